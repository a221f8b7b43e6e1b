#include "propose/llm/evolve_block.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace ks {
namespace {

constexpr std::string_view kStart = "EVOLVE-BLOCK-START";
constexpr std::string_view kEnd = "EVOLVE-BLOCK-END";

bool IsWord(std::string_view text, std::string_view word) {
  if (text.substr(0, word.size()) != word) return false;
  if (text.size() == word.size()) return true;
  const char next = text[word.size()];
  return next == ' ' || next == '\t' || next == ':' || next == '*' || next == '-';
}

Error AtLine(int line, std::string_view what) {
  return {ErrorCode::kInvalidArgument, fmt::format("line {}: {}", line, what)};
}

}  // namespace

MarkerKind MarkerOf(std::string_view line) {
  constexpr std::array<std::string_view, 9> kComments = {"//", "#",  "/*",   "--", ";",
                                                         "%",  "(*", "<!--", "'"};
  line = Trim(line);
  for (const std::string_view comment : kComments) {
    if (line.substr(0, comment.size()) != comment) continue;
    const std::string_view text = Trim(line.substr(comment.size()));
    if (IsWord(text, kStart)) return MarkerKind::kStart;
    if (IsWord(text, kEnd)) return MarkerKind::kEnd;
  }
  return MarkerKind::kNone;
}

Result<EvolveBlocks> FindEvolveBlocks(std::string_view source) {
  EvolveBlocks found;
  bool inside = false;
  int line = 1, start_line = 0;
  for (size_t at = 0; at < source.size(); ++line) {
    const size_t end = std::min(source.find('\n', at), source.size());
    const size_t next = std::min(end + 1, source.size());
    const MarkerKind kind = MarkerOf(source.substr(at, end - at));
    if (kind == MarkerKind::kStart) {
      if (inside) return AtLine(line, "EVOLVE-BLOCK-START inside a block");
      found.blocks.push_back({next, next});
      start_line = line;
      inside = true;
    } else if (kind == MarkerKind::kEnd) {
      if (!inside) return AtLine(line, "EVOLVE-BLOCK-END without a start");
      found.blocks.back().end = at;
      inside = false;
    }
    at = next;
  }
  if (inside) return AtLine(start_line, "EVOLVE-BLOCK-START without an end");
  found.marked = !found.blocks.empty();
  if (!found.marked) found.blocks.push_back({0, source.size()});
  return found;
}

}  // namespace ks
