#include "propose/cpp/syntax.h"

#include <tree_sitter/api.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/check.h"
#include "base/text.h"

extern "C" const TSLanguage* tree_sitter_cpp();
extern "C" const TSLanguage* tree_sitter_python();

namespace ks {
namespace {

constexpr size_t kMaxSourceBytes = size_t{4} << 20;

struct DeleteParser {
  void operator()(TSParser* parser) const { ts_parser_delete(parser); }
};
struct DeleteTree {
  void operator()(TSTree* tree) const { ts_tree_delete(tree); }
};

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

void Blank(std::string& text, size_t begin, size_t end) {
  for (size_t i = begin; i < end && i < text.size(); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

// End of the comment or literal that starts at `at`; `at` when none starts there.
size_t SkipCommentOrLiteral(std::string_view text, size_t at) {
  if (text.substr(at, 2) == "//") {
    const size_t end = text.find('\n', at);
    return end == std::string_view::npos ? text.size() : end;
  }
  if (text.substr(at, 2) == "/*") {
    const size_t end = text.find("*/", at + 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  // A quote after a digit separates digits (1'000).
  if (text[at] == '"' || (text[at] == '\'' && (at == 0 || !IsWordChar(text[at - 1])))) {
    const char quote = text[at];
    for (size_t i = at + 1; i < text.size(); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == quote) {
        return i + 1;
      } else if (text[i] == '\n') {
        return i;
      }
    }
    return text.size();
  }
  return at;
}

size_t EndOfParentheses(std::string_view text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i + 1;
  }
  return text.size();
}

bool IsQualifier(std::string_view word, SourceDialect dialect) {
  constexpr std::array<std::string_view, 6> kCommon = {
      "__restrict__", "__restrict", "__extension__", "__inline__", "__volatile__", "__const__"};
  constexpr std::array<std::string_view, 9> kCuda = {
      "__global__",  "__device__",      "__host__",     "__shared__",       "__constant__",
      "__managed__", "__forceinline__", "__noinline__", "__grid_constant__"};
  constexpr std::array<std::string_view, 14> kOpenCl = {
      "__kernel", "__global", "__local",   "__constant",  "__private",
      "kernel",   "global",   "local",     "constant",    "__read_only",
      "restrict", "private",  "__generic", "__write_only"};
  const auto has = [&](const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (has(kCommon)) return true;
  return (dialect == SourceDialect::kCuda && has(kCuda)) ||
         (dialect == SourceDialect::kOpenCl && has(kOpenCl));
}

// End of what must be hidden at the word [at, end); `at` when nothing.
size_t HiddenWordEnd(std::string_view text, size_t at, size_t end, SourceDialect dialect) {
  const std::string_view word = text.substr(at, end - at);
  if (IsQualifier(word, dialect)) return end;
  const bool cuda = dialect == SourceDialect::kCuda;
  if (word != "__attribute__" && word != "__declspec" &&
      !(cuda && (word == "__launch_bounds__" || word == "__align__"))) {
    return at;
  }
  size_t open = end;
  while (open < text.size() && std::isspace(static_cast<unsigned char>(text[open])) != 0) ++open;
  return open < text.size() && text[open] == '(' ? EndOfParentheses(text, open) : end;
}

// True when only blanks lie between the line's start and `at`.
bool StartsLine(std::string_view text, size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  return at == 0 || text[at - 1] == '\n';
}

size_t PragmaEnd(std::string_view text, size_t at) {
  std::string_view rest = text.substr(at + 1);
  const size_t blanks = rest.find_first_not_of(" \t");
  if (blanks == std::string_view::npos || !rest.substr(blanks).starts_with("pragma")) return at;
  size_t end = text.find('\n', at);
  while (end != std::string_view::npos && text[end - 1] == '\\') end = text.find('\n', end + 1);
  return end == std::string_view::npos ? text.size() : end;
}

// Text between the helper marks is known to be fine: hidden, which also makes parsing fast.
void BlankHelpers(std::string& source) {
  for (size_t at = 0;;) {
    const size_t begin = source.find(kHelpersBegin, at);
    if (begin == std::string::npos) return;
    const size_t end = source.find(kHelpersEnd, begin);
    if (end == std::string::npos) return;
    Blank(source, begin, end);
    at = end + kHelpersEnd.size();
  }
}

bool IsPragmaLine(std::string_view line) {
  line = Trim(line);
  if (!line.starts_with("#")) return false;
  return Trim(line.substr(1)).starts_with("pragma");
}

}  // namespace

std::string MaskForParser(std::string source, SourceDialect dialect) {
  if (dialect == SourceDialect::kPython) return source;
  BlankHelpers(source);
  for (size_t at = 0; at < source.size();) {
    const size_t skipped = SkipCommentOrLiteral(source, at);
    if (skipped > at) {
      at = skipped;
    } else if (source[at] == '#' && StartsLine(source, at)) {
      const size_t end = PragmaEnd(source, at);
      Blank(source, at, end);
      at = end > at ? end : at + 1;
    } else if (IsWordChar(source[at])) {
      size_t end = at;
      while (end < source.size() && IsWordChar(source[end])) ++end;
      const size_t hidden = HiddenWordEnd(source, at, end, dialect);
      if (hidden > at) Blank(source, at, hidden);
      at = hidden > at ? hidden : end;
    } else {
      ++at;
    }
  }
  return source;
}

std::optional<SyntaxTree> SyntaxTree::Parse(std::string source, SourceDialect dialect) {
  if (source.size() > kMaxSourceBytes) return std::nullopt;
  const std::unique_ptr<TSParser, DeleteParser> parser(ts_parser_new());
  const bool python = dialect == SourceDialect::kPython;
  KS_CHECK(ts_parser_set_language(parser.get(), python ? tree_sitter_python() : tree_sitter_cpp()));
  SyntaxTree result;
  result.source_ = std::make_unique<const std::string>(std::move(source));
  const std::string masked = MaskForParser(*result.source_, dialect);
  const std::unique_ptr<TSTree, DeleteTree> tree(ts_parser_parse_string(
      parser.get(), nullptr, masked.data(), static_cast<uint32_t>(masked.size())));
  if (tree == nullptr) return std::nullopt;
  const TSNode root = ts_tree_root_node(tree.get());
  if (ts_node_has_error(root)) return std::nullopt;

  TSTreeCursor cursor = ts_tree_cursor_new(root);
  int parent = -1;
  for (bool more = true; more;) {
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    const int index = static_cast<int>(result.nodes_.size());
    result.nodes_.push_back({ts_node_type(node),
                             ts_tree_cursor_current_field_name(&cursor),
                             ts_node_start_byte(node),
                             ts_node_end_byte(node),
                             parent,
                             index + 1,
                             ts_node_is_named(node),
                             {}});
    const bool comment = std::string_view(ts_node_type(node)) == "comment";
    if (parent >= 0 && !comment) {
      result.nodes_[static_cast<size_t>(parent)].children.push_back(index);
    }
    if (ts_tree_cursor_goto_first_child(&cursor)) {
      parent = index;
      continue;
    }
    while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
      if (!ts_tree_cursor_goto_parent(&cursor)) {
        more = false;
        break;
      }
      parent = result.nodes_[static_cast<size_t>(parent)].parent;
    }
  }
  ts_tree_cursor_delete(&cursor);
  for (size_t i = result.nodes_.size(); i-- > 1;) {
    Data& above = result.nodes_[static_cast<size_t>(result.nodes_[i].parent)];
    above.last = std::max(above.last, result.nodes_[i].last);
  }
  return result;
}

size_t SyntaxTree::BeginWithPragmas(Node node) const {
  const std::string_view text = *source_;
  size_t begin = node.begin();
  size_t line = begin;
  while (line > 0 && (text[line - 1] == ' ' || text[line - 1] == '\t')) --line;
  while (line > 0 && text[line - 1] == '\n') {
    size_t previous = line - 1;
    while (previous > 0 && text[previous - 1] != '\n') --previous;
    const std::string_view candidate = text.substr(previous, line - 1 - previous);
    if (!IsPragmaLine(candidate)) break;
    begin = previous + candidate.find('#');
    line = previous;
  }
  return begin;
}

std::vector<std::string> SyntaxTree::PragmasBefore(Node node) const {
  std::vector<std::string> pragmas;
  const size_t begin = BeginWithPragmas(node);
  const std::string_view text = std::string_view(*source_).substr(begin, node.begin() - begin);
  for (std::string_view line : Split(text, '\n')) {
    if (IsPragmaLine(line)) pragmas.emplace_back(Trim(line));
  }
  return pragmas;
}

std::string_view Node::kind() const {
  return valid() ? tree_->nodes_[static_cast<size_t>(index_)].kind : std::string_view();
}
bool Node::named() const { return valid() && tree_->nodes_[static_cast<size_t>(index_)].named; }
size_t Node::begin() const {
  return valid() ? tree_->nodes_[static_cast<size_t>(index_)].begin : 0;
}
size_t Node::end() const { return valid() ? tree_->nodes_[static_cast<size_t>(index_)].end : 0; }
std::string_view Node::text() const {
  return valid() ? std::string_view(tree_->source()).substr(begin(), end() - begin())
                 : std::string_view();
}
Node Node::parent() const {
  if (!valid()) return {};
  const int parent = tree_->nodes_[static_cast<size_t>(index_)].parent;
  return parent < 0 ? Node() : Node(tree_, parent);
}

std::vector<Node> Node::children() const {
  std::vector<Node> nodes;
  if (!valid()) return nodes;
  for (int child : tree_->nodes_[static_cast<size_t>(index_)].children) {
    nodes.emplace_back(tree_, child);
  }
  return nodes;
}

std::vector<Node> Node::NamedChildren() const {
  std::vector<Node> nodes;
  for (Node child : children()) {
    if (child.named()) nodes.push_back(child);
  }
  return nodes;
}

Node Node::Child(std::string_view field) const {
  for (Node child : children()) {
    const char* name = tree_->nodes_[static_cast<size_t>(child.index_)].field;
    if (name != nullptr && name == field) return child;
  }
  return {};
}

std::vector<Node> Node::Subtree() const {
  std::vector<Node> nodes;
  if (!valid()) return nodes;
  const int last = tree_->nodes_[static_cast<size_t>(index_)].last;
  nodes.reserve(static_cast<size_t>(last - index_));
  for (int i = index_; i < last; ++i) {
    const Node node(tree_, i);
    if (!node.Is("comment")) nodes.push_back(node);
  }
  return nodes;
}

Node Node::Unwrapped() const {
  Node node = *this;
  while (node.Is("parenthesized_expression")) {
    const std::vector<Node> inner = node.NamedChildren();
    if (inner.size() != 1) break;
    node = inner[0];
  }
  return node;
}

}  // namespace ks
