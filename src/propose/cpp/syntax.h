// The syntax tree of a kernel: tree-sitter behind plain values. Offsets are bytes of the original
// text. Compiler spellings that the grammar does not know (`__restrict__`, attributes, pragmas; the
// qualifiers of CUDA and OpenCL) are hidden from the parser by blanks of equal length; the text
// keeps them.
#ifndef KS_PROPOSE_CPP_SYNTAX_H_
#define KS_PROPOSE_CPP_SYNTAX_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ks {

class SyntaxTree;

// What a source is written in; decides the grammar and what is hidden from it.
enum class SourceDialect { kCpp, kCuda, kOpenCl, kPython };

// A node of a SyntaxTree, which must outlive it. Cheap to copy; a default one is not valid() and
// answers every question with "nothing".
class Node {
 public:
  Node() = default;
  Node(const SyntaxTree* tree, int index) : tree_(tree), index_(index) {}

  bool valid() const { return tree_ != nullptr; }
  explicit operator bool() const { return valid(); }
  // The grammar's name: "for_statement", "identifier", "+=", ...
  std::string_view kind() const;
  bool Is(std::string_view kind_name) const { return valid() && kind() == kind_name; }
  // False for punctuation and operators.
  bool named() const;
  std::string_view text() const;
  size_t begin() const;
  size_t end() const;
  Node parent() const;
  // All children, operators included; comments left out.
  std::vector<Node> children() const;
  std::vector<Node> NamedChildren() const;
  // The child in a named field of the grammar ("body", "condition"); not valid when absent.
  Node Child(std::string_view field) const;
  // This node and everything below it, in source order, comments left out.
  std::vector<Node> Subtree() const;
  bool Contains(Node other) const { return begin() <= other.begin() && other.end() <= end(); }
  // This node without enclosing parentheses.
  Node Unwrapped() const;
  int index() const { return index_; }
  const SyntaxTree* tree() const { return tree_; }
  bool operator==(const Node&) const = default;

 private:
  const SyntaxTree* tree_ = nullptr;
  int index_ = -1;
};

// Immutable.
class SyntaxTree {
 public:
  // Empty optional: `source` does not parse (error or missing nodes) or is over 4 MiB.
  static std::optional<SyntaxTree> Parse(std::string source,
                                         SourceDialect dialect = SourceDialect::kCpp);

  SyntaxTree(SyntaxTree&&) = default;
  SyntaxTree& operator=(SyntaxTree&&) = default;

  const std::string& source() const { return *source_; }
  Node root() const { return Node(this, 0); }
  // Pragma lines right before `node` (only white space between), outermost first, trimmed.
  std::vector<std::string> PragmasBefore(Node node) const;
  // Where `node` begins when the pragma lines right before it are counted to it.
  size_t BeginWithPragmas(Node node) const;

 private:
  friend class Node;
  struct Data {
    const char* kind;
    const char* field;  // in the parent; null when none
    uint32_t begin, end;
    int parent;
    int last;  // one past the index of the last node below: nodes lie in source order
    bool named;
    std::vector<int> children;
  };
  SyntaxTree() = default;

  std::unique_ptr<const std::string> source_;  // stable address: nodes hand out views
  std::vector<Data> nodes_;
};

// A candidate's text between these two comments is not parsed: generic helpers that a skill brought
// along and that no skill edits.
inline constexpr std::string_view kHelpersBegin = "// ksmith: helpers begin";
inline constexpr std::string_view kHelpersEnd = "// ksmith: helpers end";

// `source` with what the grammar cannot read replaced by blanks; same length.
std::string MaskForParser(std::string source, SourceDialect dialect = SourceDialect::kCpp);

}  // namespace ks

#endif  // KS_PROPOSE_CPP_SYNTAX_H_
