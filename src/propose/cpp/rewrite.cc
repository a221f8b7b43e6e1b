#include "propose/cpp/rewrite.h"

#include <algorithm>
#include <cctype>

#include "base/check.h"
#include "base/text.h"

namespace ks {
namespace {

// Where declarations at file scope go: in front of the first node that is not an include, a comment
// or a preprocessor line.
size_t TopLevelOffset(const SyntaxTree& tree) {
  for (Node node : tree.root().NamedChildren()) {
    const std::string_view kind = node.kind();
    if (kind.starts_with("preproc_") || kind == "using_declaration") continue;
    return tree.BeginWithPragmas(node);
  }
  return tree.source().size();
}

bool IsWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
  });
}

struct Depth {
  int braces = 0;
  int parentheses = 0;
};

// Braces and parentheses opened minus closed on a line, comments and literals left out.
Depth CountBrackets(std::string_view line) {
  Depth depth;
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' ||
               (c == '\'' && (i == 0 || !std::isalnum(static_cast<unsigned char>(line[i - 1]))))) {
      quote = c;
    } else if (line.substr(i, 2) == "//") {
      break;
    } else if (c == '{') {
      ++depth.braces;
    } else if (c == '}') {
      --depth.braces;
    } else if (c == '(') {
      ++depth.parentheses;
    } else if (c == ')') {
      --depth.parentheses;
    }
  }
  return depth;
}

bool HeadsSingleStatement(std::string_view line) {
  if (line.ends_with("{") || line.ends_with(";")) return false;
  return line.starts_with("for (") || line.starts_with("if (") || line.starts_with("while (") ||
         line.starts_with("else if (") || line == "else";
}

}  // namespace

Rewriter::Rewriter(const SyntaxTree& tree) : tree_(&tree) {}

void Rewriter::Replace(size_t begin, size_t end, const std::string& text) {
  changes_.push_back({begin, end, text});
}

void Rewriter::ReplaceStatement(Node statement, const std::string& text) {
  const std::string indented = Indent(text, IndentOf(statement));
  const size_t first = std::min(indented.find_first_not_of(' '), indented.size());
  std::string_view body = std::string_view(indented).substr(first);
  while (body.ends_with("\n")) body.remove_suffix(1);
  Replace(tree_->BeginWithPragmas(statement), statement.end(), std::string(body));
}

void Rewriter::InsertBefore(Node statement, const std::string& text) {
  const size_t indent = IndentOf(statement);
  const std::string indented = Indent(text, indent);
  const size_t first = std::min(indented.find_first_not_of(' '), indented.size());
  Insert(tree_->BeginWithPragmas(statement), indented.substr(first) + std::string(indent, ' '));
}

void Rewriter::InsertAfter(Node statement, const std::string& text) {
  std::string indented = Indent(text, IndentOf(statement));
  while (indented.ends_with("\n")) indented.pop_back();
  Insert(statement.end(), "\n" + indented);
}

void Rewriter::AddInclude(const std::string& header) {
  const std::string line = "#include <" + header + ">\n";
  const bool there = tree_->source().find("<" + header + ">") != std::string::npos;
  if (!there && includes_.find(line) == std::string::npos) includes_ += line;
}

void Rewriter::AddTopLevel(const std::string& text) {
  const std::string block = text.ends_with("\n") ? text : text + "\n";
  if (tree_->source().find(Trim(block)) != std::string::npos) return;
  if (top_level_.find(block) == std::string::npos) top_level_ += block;
}

std::string Rewriter::FreshName(const std::string& base) {
  const auto taken = [&](const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return true;
    return tree_->source().find(name) != std::string::npos;
  };
  std::string name = base;
  for (int number = 2; taken(name); ++number) name = base + std::to_string(number);
  names_.push_back(name);
  return name;
}

std::string Rewriter::AddTunable(const std::string& base, int64_t value,
                                 const std::vector<int64_t>& choices) {
  const std::string name = FreshName(base);
  std::string line =
      "constexpr int64_t " + name + " = " + std::to_string(value) + ";  // ksmith: tune";
  for (int64_t choice : choices) line += " " + std::to_string(choice);
  top_level_ += line + "\n";
  return name;
}

std::string Rewriter::Apply() const {
  std::vector<Change> changes = changes_;
  if (!top_level_.empty()) {
    const size_t at = TopLevelOffset(*tree_);
    changes.insert(changes.begin(), {at, at, top_level_ + "\n"});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  const std::string& source = tree_->source();
  std::string out;
  size_t at = 0;
  for (const Change& change : changes) {
    KS_CHECK(change.begin >= at && change.end >= change.begin && change.end <= source.size());
    out.append(source, at, change.begin - at);
    out += change.text;
    at = change.end;
  }
  out.append(source, at, std::string::npos);
  if (includes_.empty()) return out;
  // In front of the first include, or of everything but leading comments.
  size_t place = out.find("#include");
  if (place == std::string::npos) {
    place = 0;
    while (out.compare(place, 2, "//") == 0) {
      const size_t end = out.find('\n', place);
      if (end == std::string::npos) break;
      place = end + 1;
    }
  }
  return out.insert(place, includes_);
}

std::vector<Tunable> TunablesOf(const SyntaxTree& tree) {
  std::vector<Tunable> tunables;
  for (Node node : tree.root().Subtree()) {
    if (!node.Is("declaration")) continue;
    const Node declarator = node.Child("declarator");
    const Node value = declarator.Child("value");
    const Node name = declarator.Child("declarator");
    if (!value.Is("number_literal") || !name.Is("identifier")) continue;
    std::string_view rest = std::string_view(tree.source()).substr(node.end());
    rest = Trim(rest.substr(0, rest.find('\n')));
    constexpr std::string_view kMark = "// ksmith: tune";
    if (!rest.starts_with(kMark)) continue;
    const std::optional<int64_t> number = ParseInt(value.text());
    if (!number) continue;
    Tunable tunable{std::string(name.text()), *number, {}, value.begin(), value.end()};
    for (std::string_view word : SplitWords(rest.substr(kMark.size()))) {
      if (const auto choice = ParseInt(word)) tunable.choices.push_back(*choice);
    }
    std::sort(tunable.choices.begin(), tunable.choices.end());
    tunables.push_back(std::move(tunable));
  }
  return tunables;
}

std::string Indent(std::string_view text, size_t indent) {
  std::string out;
  int depth = 0, parentheses = 0, hanging = 0;
  for (std::string_view raw : Split(text, '\n')) {
    const std::string_view line = Trim(raw);
    if (line.empty()) continue;
    if (line.starts_with("#")) {
      out += std::string(line) + "\n";
      continue;
    }
    int own = depth + hanging;
    if (line.starts_with("}")) own = depth - 1;
    if (line.starts_with("{") && hanging > 0) own = depth + hanging - 1;
    const int columns = 2 * std::max(own, 0) + (parentheses > 0 ? 4 : 0);
    out += std::string(indent + static_cast<size_t>(columns), ' ') + std::string(line) + "\n";
    const Depth change = CountBrackets(line);
    depth += change.braces;
    parentheses += change.parentheses;
    if (parentheses > 0) continue;
    hanging = HeadsSingleStatement(line) ? hanging + 1 : 0;
  }
  return out;
}

size_t IndentOf(Node node) {
  const std::string& source = node.tree()->source();
  size_t line = node.begin();
  while (line > 0 && source[line - 1] != '\n') --line;
  size_t column = 0;
  while (line + column < source.size() && source[line + column] == ' ') ++column;
  return column;
}

std::string TextWithNodes(Node region, const std::vector<std::pair<Node, std::string>>& nodes) {
  std::vector<std::pair<Node, std::string>> sorted = nodes;
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first.begin() < b.first.begin(); });
  const std::string& source = region.tree()->source();
  std::string out;
  size_t at = region.begin();
  for (const auto& [node, text] : sorted) {
    if (node.begin() < at || node.end() > region.end()) continue;
    out.append(source, at, node.begin() - at);
    out += text;
    at = node.end();
  }
  out.append(source, at, region.end() - at);
  return out;
}

std::string TextWith(const Function& function, Node region,
                     const std::map<const Decl*, std::string>& replacements) {
  std::vector<std::pair<Node, std::string>> nodes;
  for (Node node : region.Subtree()) {
    if (!node.Is("identifier")) continue;
    const Decl* decl = function.Resolve(node);
    const auto found = replacements.find(decl);
    if (decl != nullptr && found != replacements.end()) nodes.emplace_back(node, found->second);
  }
  return TextWithNodes(region, nodes);
}

std::string BodyTextWith(const Function& function, const Loop& loop,
                         const std::map<const Decl*, std::string>& replacements) {
  const std::string text = TextWith(function, loop.body, replacements);
  if (!loop.body.Is("compound_statement")) return text;
  return text.substr(1, text.size() - 2);
}

std::string ForText(const std::string& type, const std::string& variable, const std::string& low,
                    const std::string& high, const std::string& step, const std::string& body) {
  const std::string update = step == "1" ? "++" + variable : variable + " += " + step;
  return "for (" + type + " " + variable + " = " + low + "; " + variable + " < " + high + "; " +
         update + ") {\n" + body + "\n}\n";
}

std::string WithBody(const Loop& loop, const std::string& body) {
  return ForText(loop.type, loop.name(), loop.LowText(), loop.HighText(), loop.step, body);
}

std::string WholeStepsText(const Loop& loop, const std::string& step) {
  const std::string high = Parenthesized(loop.HighText());
  if (loop.LowText() == "0") return high + " / " + step + " * " + step;
  const std::string low = Parenthesized(loop.LowText());
  return low + " + (" + high + " - " + low + ") / " + step + " * " + step;
}

std::string Parenthesized(const std::string& text) {
  return IsWord(text) ? text : "(" + text + ")";
}

}  // namespace ks
