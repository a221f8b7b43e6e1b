// Edits of a source by byte ranges of its tree, and helpers that write C++ text.
#ifndef KS_PROPOSE_CPP_REWRITE_H_
#define KS_PROPOSE_CPP_REWRITE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "propose/cpp/loop_nest.h"

namespace ks {

// Collects edits of one source and applies them at once. Ranges must not overlap. Single thread.
class Rewriter {
 public:
  explicit Rewriter(const SyntaxTree& tree);

  void Replace(size_t begin, size_t end, const std::string& text);
  void Replace(Node node, const std::string& text) { Replace(node.begin(), node.end(), text); }
  // The node with the pragma lines in front of it; `text` is indented to the node's place.
  void ReplaceStatement(Node statement, const std::string& text);
  void Insert(size_t at, const std::string& text) { Replace(at, at, text); }
  // A statement in front of `statement` (and its pragmas), indented to its place.
  void InsertBefore(Node statement, const std::string& text);
  void InsertAfter(Node statement, const std::string& text);
  // "#include <algorithm>" unless it is there.
  void AddInclude(const std::string& header);
  // Text at file scope behind the includes, in order of calls; skipped when the very text is there.
  void AddTopLevel(const std::string& text);
  // A name that the source does not use, made from `base`; remembered.
  std::string FreshName(const std::string& base);
  // `constexpr int64_t kName = value;  // ksmith: tune ...` at file scope; returns its fresh name.
  std::string AddTunable(const std::string& base, int64_t value,
                         const std::vector<int64_t>& choices);
  std::string Apply() const;

 private:
  struct Change {
    size_t begin, end;
    std::string text;
  };
  const SyntaxTree* tree_;
  std::vector<Change> changes_;
  std::string includes_, top_level_;
  std::vector<std::string> names_;
};

// An integer parameter that an earlier edit introduced.
struct Tunable {
  std::string name;
  int64_t value = 0;
  std::vector<int64_t> choices;  // as written behind "ksmith: tune"; sorted
  size_t begin = 0, end = 0;     // of the number
};
std::vector<Tunable> TunablesOf(const SyntaxTree& tree);

// Lines of `text` indented by brace depth, starting at `indent` blanks; preprocessor lines at 0.
std::string Indent(std::string_view text, size_t indent);
// Column of the first character of the line on which `node` begins.
size_t IndentOf(Node node);

// Source text of `region` with uses (and declarations) of the given names replaced.
std::string TextWith(const Function& function, Node region,
                     const std::map<const Decl*, std::string>& replacements);
// The same for the statements of a loop's body, without the braces.
std::string BodyTextWith(const Function& function, const Loop& loop,
                         const std::map<const Decl*, std::string>& replacements);
// Source text of `region` with the given nodes (not overlapping) replaced.
std::string TextWithNodes(Node region, const std::vector<std::pair<Node, std::string>>& nodes);

// "for (int64_t i = low; i < high; i += step) {\nbody\n}\n"
std::string ForText(const std::string& type, const std::string& variable, const std::string& low,
                    const std::string& high, const std::string& step, const std::string& body);
// The header of `loop` with another body.
std::string WithBody(const Loop& loop, const std::string& body);
// The end of the last whole step of `loop` when it runs in steps of `step`:
// "low + (high - low) / step * step".
std::string WholeStepsText(const Loop& loop, const std::string& step);
// `text` in parentheses unless it is a name or a number.
std::string Parenthesized(const std::string& text);

}  // namespace ks

#endif  // KS_PROPOSE_CPP_REWRITE_H_
