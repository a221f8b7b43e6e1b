#include "propose/normalize.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/cpp/function.h"

namespace ks {
namespace {

std::string DirectivePrefix(const std::string& source) {
  const BuildDirectives directives = ParseBuildDirectives(source);
  return directives.compiler + " " + Join(directives.flags, " ") + "\n" + PlanDirectives(source);
}

// Length of the literal that begins at `at` (a quote), its end included; Python's triple quotes
// too.
size_t LiteralLength(std::string_view text, size_t at, bool python) {
  const char quote = text[at];
  const std::string triple(3, quote);
  if (python && text.substr(at, 3) == triple) {
    const size_t end = text.find(triple, at + 3);
    return (end == std::string_view::npos ? text.size() : end + 3) - at;
  }
  size_t end = at + 1;
  while (end < text.size() && text[end] != quote && text[end] != '\n') {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, text.size()) - at;
}

// Comments become blanks; literals stay.
std::string WithoutComments(std::string_view text, bool python) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      const size_t length = LiteralLength(text, at, python);
      out += text.substr(at, length);
      at += length;
    } else if (python ? c == '#' : text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (!python && text.substr(at, 2) == "/*") {
      const size_t end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 2;
      out += ' ';
    } else {
      out += c;
      ++at;
    }
  }
  return out;
}

// White space of C means nothing but in lines of the preprocessor.
std::string Squeezed(const std::string& source) {
  std::string out;
  const std::string bare = WithoutComments(source, false);
  for (std::string_view line : Split(bare, '\n')) {
    for (std::string_view word : SplitWords(line)) {
      out += word;
      out += ' ';
    }
    if (Trim(line).starts_with('#')) out += '\n';
  }
  return out;
}

// The indentation of Python means something, blank lines and blanks at the end do not.
std::string SqueezedPython(const std::string& source) {
  std::string out;
  const std::string bare = WithoutComments(source, true);
  for (std::string_view line : Split(bare, '\n')) {
    const std::string_view text = Trim(line);
    if (text.empty()) continue;
    out += line.substr(0, static_cast<size_t>(text.data() - line.data()));
    for (std::string_view word : SplitWords(text)) {
      out += word;
      out += ' ';
    }
    out += '\n';
  }
  return out;
}

}  // namespace

std::string NormalizeSource(const std::string& source) {
  if (CommentMarkerOf(source) == "#") return DirectivePrefix(source) + SqueezedPython(source);
  const std::optional<SyntaxTree> tree = SyntaxTree::Parse(source);
  if (!tree) return DirectivePrefix(source) + Squeezed(source);
  const std::vector<std::unique_ptr<Function>> functions = FunctionsOf(*tree);
  std::map<const Decl*, std::string> names;
  std::string out = DirectivePrefix(source);
  size_t previous_end = 0;
  for (Node node : tree->root().Subtree()) {
    if (!node.children().empty() && !node.Is("string_literal")) continue;
    if (node.parent().Is("string_literal")) continue;
    // Hidden words (restrict, attributes, pragmas) lie between the leaves: keep them.
    if (node.begin() > previous_end) {
      const std::string_view gap =
          std::string_view(source).substr(previous_end, node.begin() - previous_end);
      const std::string kept = Squeezed(std::string(gap));
      if (kept.find('_') != std::string::npos || kept.find('#') != std::string::npos) out += kept;
    }
    previous_end = node.end();
    std::string text(node.text());
    if (node.Is("identifier")) {
      for (const auto& function : functions) {
        if (!function->definition().Contains(node)) continue;
        const Decl* decl = function->Resolve(node);
        if (decl == nullptr) continue;
        text = names.try_emplace(decl, fmt::format("v{}", names.size())).first->second;
        break;
      }
    }
    out += Trim(text);
    out += ' ';
  }
  return out;
}

}  // namespace ks
