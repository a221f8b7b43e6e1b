#include "propose/llm/entry_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "base/text.h"
#include "core/kernel_source.h"

namespace ks {
namespace {

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// `source` with comments and the contents of string literals blanked out.
std::string CodeOnly(std::string_view source) {
  std::string out(source);
  for (size_t i = 0; i < out.size(); ++i) {
    const std::string_view rest = std::string_view(out).substr(i);
    size_t end = i;
    if (rest.substr(0, 2) == "//") {
      end = std::min(out.find('\n', i), out.size());
    } else if (rest.substr(0, 2) == "/*") {
      const size_t close = out.find("*/", i + 2);
      end = close == out.npos ? out.size() : close + 2;
    } else if (rest[0] == '"') {
      for (end = i + 1; end < out.size() && out[end] != '"' && out[end] != '\n'; ++end) {
        if (out[end] == '\\' && end + 1 < out.size()) ++end;
      }
      end = std::min(end + 1, out.size());
    } else {
      continue;
    }
    for (; i < end; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
    --i;
  }
  return out;
}

// The words and marks of a parameter's type, sorted; its name (the last word) left out where there
// is more than a type.
std::vector<std::string> TypeOf(std::string_view parameter) {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < parameter.size();) {
    if (IsWordChar(parameter[i])) {
      size_t end = i;
      while (end < parameter.size() && IsWordChar(parameter[end])) ++end;
      tokens.emplace_back(parameter.substr(i, end - i));
      i = end;
    } else {
      const char c = parameter[i++];
      if (std::isspace(static_cast<unsigned char>(c)) == 0 && c != ':') tokens.emplace_back(1, c);
    }
  }
  constexpr std::array<std::string_view, 5> kFree = {"restrict", "__restrict", "__restrict__",
                                                     "std", "const"};
  const bool is_const_pointer =
      std::find(tokens.begin(), tokens.end(), "*") != tokens.end() &&
      std::find(tokens.begin(), std::find(tokens.begin(), tokens.end(), "*"), "const") !=
          std::find(tokens.begin(), tokens.end(), "*");
  std::erase_if(tokens, [&](const std::string& token) {
    return std::find(kFree.begin(), kFree.end(), token) != kFree.end();
  });
  if (tokens.size() > 1 && IsWordChar(tokens.back().front())) tokens.pop_back();
  if (is_const_pointer) tokens.emplace_back("const");
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::vector<std::vector<std::string>> TypesOf(std::string_view parameters) {
  std::vector<std::vector<std::string>> types;
  if (Trim(parameters).empty()) return types;
  for (const std::string_view parameter : Split(parameters, ',')) {
    types.push_back(TypeOf(parameter));
  }
  return types;
}

// The parameter lists of `name(...)` in `code` that stand before a `{` or a `;`.
std::vector<std::string_view> ParameterLists(std::string_view code, std::string_view name,
                                             char after) {
  std::vector<std::string_view> lists;
  for (size_t at = code.find(name); at != code.npos; at = code.find(name, at + 1)) {
    size_t open = at + name.size();
    if (at > 0 && IsWordChar(code[at - 1])) continue;
    while (open < code.size() && std::isspace(static_cast<unsigned char>(code[open])) != 0) ++open;
    if (open >= code.size() || code[open] != '(') continue;
    const size_t close = code.find(')', open);
    if (close == code.npos) break;
    size_t next = close + 1;
    while (next < code.size() && std::isspace(static_cast<unsigned char>(code[next])) != 0) ++next;
    const bool noexcepted = code.substr(next, 8) == "noexcept";
    if (noexcepted || (next < code.size() && code[next] == after)) {
      lists.push_back(code.substr(open + 1, close - open - 1));
    }
  }
  return lists;
}

}  // namespace

std::optional<EditFailure> CheckEntry(std::string_view source, const Task& task,
                                      std::string_view backend) {
  if (!backend.empty() && backend != "cpu") {
    if (PlanDirectives(source).find("launch") != std::string::npos) return std::nullopt;
    return EditFailure{kChangesEntry,
                       "the program has no '// ksmith: launch ...' directive any more ('# ksmith:' "
                       "in Python): nothing would run"};
  }
  const std::string declaration = EntryDeclaration(task, false);
  const std::string code = CodeOnly(source);
  const std::vector<std::string_view> lists = ParameterLists(code, task.entry, '{');
  if (lists.empty()) {
    return EditFailure{kChangesEntry, fmt::format("the program does not define '{}'", declaration)};
  }
  const std::string wanted_code = declaration + ";";
  const std::vector<std::string_view> wanted = ParameterLists(wanted_code, task.entry, ';');
  if (wanted.empty()) return std::nullopt;
  const auto types = TypesOf(wanted.front());
  const bool same = std::any_of(lists.begin(), lists.end(),
                                [&](std::string_view list) { return TypesOf(list) == types; });
  if (same && code.find("extern") == code.npos) {
    return EditFailure{kChangesEntry, fmt::format("'{}' must stay extern \"C\"", task.entry)};
  }
  if (same) return std::nullopt;
  return EditFailure{kChangesEntry, fmt::format("the entry must be declared as '{}'", declaration)};
}

}  // namespace ks
