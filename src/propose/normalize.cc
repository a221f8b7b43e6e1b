#include "propose/normalize.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/cpp/function.h"

namespace ks {
namespace {

std::string DirectivePrefix(const std::string& source) {
  const BuildDirectives directives = ParseBuildDirectives(source);
  return directives.compiler + " " + Join(directives.flags, " ") + "\n";
}

std::string Squeezed(const std::string& source) {
  std::string out;
  for (std::string_view line : Split(source, '\n')) {
    line = Trim(line.substr(0, line.find("//")));
    for (std::string_view word : SplitWords(line)) {
      out += word;
      out += ' ';
    }
  }
  return out;
}

}  // namespace

std::string NormalizeSource(const std::string& source) {
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
