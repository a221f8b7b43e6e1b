#include "propose/llm/edit.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "core/kernel_source.h"
#include "propose/llm/evolve_block.h"

namespace ks {
namespace {

constexpr size_t kShownBytes = 160;

EditFailure Fail(const char* rule, std::string reason) { return {rule, std::move(reason)}; }

int LineAt(std::string_view text, size_t offset) {
  return 1 + static_cast<int>(std::count(text.begin(),
                                         text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

// The parent's line ends: models answer with "\n" whatever they were shown.
std::string WithLineEndsOf(std::string_view parent, std::string_view text) {
  std::string plain = ReplaceAll(std::string(text), "\r\n", "\n");
  return parent.find("\r\n") != parent.npos ? ReplaceAll(std::move(plain), "\n", "\r\n") : plain;
}

std::string WithLastLineEnd(std::string text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

bool HasMarker(std::string_view text) {
  const std::vector<std::string_view> lines = Split(text, '\n');
  return std::any_of(lines.begin(), lines.end(),
                     [](std::string_view line) { return MarkerOf(line) != MarkerKind::kNone; });
}

// The text before block `index` (after the one before it), marker lines included. `index` may be
// the number of blocks: what follows the last.
std::string_view FrozenBefore(std::string_view source, const EvolveBlocks& found, size_t index) {
  const size_t begin = index == 0 ? 0 : found.blocks[index - 1].end;
  const size_t end = index == found.blocks.size() ? source.size() : found.blocks[index].begin;
  return source.substr(begin, end - begin);
}

// The first line of `want` that `got` does not repeat, for messages.
std::string FirstDifference(std::string_view want, std::string_view got, int first_line) {
  const std::vector<std::string_view> a = Split(want, '\n'), b = Split(got, '\n');
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    if (i < a.size() && i < b.size() && a[i] == b[i]) continue;
    return fmt::format("line {} of the program is '{}', your answer has '{}'",
                       first_line + static_cast<int>(i),
                       i < a.size() ? Shorten(a[i], kShownBytes) : "",
                       i < b.size() ? Shorten(b[i], kShownBytes) : "");
  }
  return "";
}

// Only markers and blank lines between its blocks: an answer that repeats no frozen text.
bool OnlyBlocks(std::string_view code, const EvolveBlocks& found) {
  for (size_t i = 0; i <= found.blocks.size(); ++i) {
    for (const std::string_view line : Split(FrozenBefore(code, found, i), '\n')) {
      if (!Trim(line).empty() && MarkerOf(line) == MarkerKind::kNone) return false;
    }
  }
  return true;
}

EditResult RewriteBlocks(std::string_view parent, const EvolveBlocks& blocks,
                         const std::string& code) {
  const Result<EvolveBlocks> answer = FindEvolveBlocks(code);
  if (!answer.ok()) {
    return Fail(kDoesNotApply,
                "the markers of your answer do not match: " + answer.error().message);
  }
  if (!answer->marked) {
    return Fail(kDoesNotApply,
                "your answer lacks the EVOLVE-BLOCK-START and EVOLVE-BLOCK-END lines of the "
                "program; keep them");
  }
  if (answer->blocks.size() != blocks.blocks.size()) {
    return Fail(kDoesNotApply, fmt::format("the program has {} EVOLVE-BLOCKs, your answer has {}",
                                           blocks.blocks.size(), answer->blocks.size()));
  }
  const bool only_blocks = OnlyBlocks(code, *answer);
  std::string child;
  for (size_t i = 0; i <= blocks.blocks.size(); ++i) {
    const std::string_view frozen = FrozenBefore(parent, blocks, i);
    std::string_view got = FrozenBefore(code, *answer, i);
    if (i == blocks.blocks.size()) {  // the last line end is of no weight
      while (!got.empty() && got.back() == '\n' && got.size() > frozen.size()) got.remove_suffix(1);
    }
    const bool same = got == frozen ||
                      (i == blocks.blocks.size() &&
                       WithLastLineEnd(std::string(got)) == WithLastLineEnd(std::string(frozen)));
    if (!only_blocks && !same) {
      const int line = i == 0 ? 1 : LineAt(parent, blocks.blocks[i - 1].end);
      return Fail(kChangesFrozenText, "text outside the EVOLVE-BLOCK markers must stay as it is: " +
                                          FirstDifference(frozen, got, line));
    }
    child += frozen;
    if (i == blocks.blocks.size()) break;
    const EvolveBlock& block = answer->blocks[i];
    child += WithLastLineEnd(code.substr(block.begin, block.end - block.begin));
  }
  return child;
}

// `code`, with the parent's build directives in front where it has none of its own.
std::string WithDirectivesOf(std::string_view parent, std::string_view code) {
  std::string text;
  if (WithoutBuildDirectives(code) == code) {
    for (const std::string_view line : Split(parent, '\n')) {
      const std::string whole = std::string(line) + "\n";
      if (WithoutBuildDirectives(whole) != whole) text += whole;
    }
  }
  return text.append(code);
}

// The first places where `search` stands as whole lines, at most two.
std::vector<size_t> FindLines(std::string_view text, std::string_view search) {
  std::vector<size_t> found;
  for (size_t at = 0; at < text.size() && found.size() < 2;) {
    if (text.compare(at, search.size(), search) == 0) found.push_back(at);
    const size_t end = text.find('\n', at);
    at = end == text.npos ? text.size() : end + 1;
  }
  return found;
}

// "the nearest line is ...", when a line of the search stands there with other white space.
std::string NearLineHint(std::string_view text, std::string_view search) {
  const std::vector<std::string_view> wanted = Split(search, '\n');
  const auto first = std::find_if(wanted.begin(), wanted.end(),
                                  [](std::string_view line) { return !Trim(line).empty(); });
  if (first == wanted.end()) return "";
  int number = 1;
  for (const std::string_view line : Split(text, '\n')) {
    if (Trim(line) == Trim(*first)) {
      return fmt::format(
          "; line {} has its first line, but what follows or the white space "
          "differs",
          number);
    }
    ++number;
  }
  return fmt::format("; no line is '{}'", Shorten(Trim(*first), kShownBytes));
}

// The block in which [begin, end) lies, if any.
bool InsideOneBlock(const EvolveBlocks& blocks, size_t begin, size_t end) {
  return std::any_of(blocks.blocks.begin(), blocks.blocks.end(), [&](const EvolveBlock& block) {
    return begin >= block.begin && end <= block.end;
  });
}

// Applies one block to `text`.
std::optional<EditFailure> ApplyOne(const SearchReplace& edit, std::string_view parent,
                                    std::string& text) {
  const std::string where = fmt::format("the SEARCH block at line {} of your answer", edit.line);
  const std::string search = WithLastLineEnd(WithLineEndsOf(parent, edit.search));
  const std::string replace = WithLastLineEnd(WithLineEndsOf(parent, edit.replace));
  if (Trim(search).empty()) return Fail(kDoesNotApply, where + " is empty");
  const bool open_end = !text.empty() && text.back() != '\n';
  if (open_end) text += '\n';  // so that the last line can be found
  const std::vector<size_t> found = FindLines(text, search);
  if (found.empty()) {
    return Fail(kDoesNotApply, where + " does not match the program" + NearLineHint(text, search));
  }
  if (found.size() > 1) {
    return Fail(kDoesNotApply, fmt::format("{} matches more than once (lines {} and {}): repeat "
                                           "more of the lines around it",
                                           where, LineAt(text, found[0]), LineAt(text, found[1])));
  }
  const Result<EvolveBlocks> blocks = FindEvolveBlocks(text);
  if (!blocks.ok()) return Fail(kDoesNotApply, blocks.error().message);
  if (!InsideOneBlock(*blocks, found[0], found[0] + search.size())) {
    return Fail(kChangesFrozenText, where + " reaches outside the EVOLVE-BLOCK markers");
  }
  if (HasMarker(replace)) {
    return Fail(kChangesFrozenText, where + " would add EVOLVE-BLOCK markers");
  }
  text.replace(found[0], search.size(), replace);
  if (open_end && !text.empty() && text.back() == '\n') text.pop_back();
  return std::nullopt;
}

}  // namespace

EditResult ApplyRewrite(std::string_view parent, std::string_view code) {
  const Result<EvolveBlocks> blocks = FindEvolveBlocks(parent);
  if (!blocks.ok()) {
    return Fail(kDoesNotApply, "the program's own markers do not match: " + blocks.error().message);
  }
  const std::string plain = WithLineEndsOf(parent, code);
  if (Trim(plain).empty()) return Fail(kDoesNotApply, "the program in your answer is empty");
  EditResult child = std::string();
  if (blocks->marked) {
    child = RewriteBlocks(parent, *blocks, plain);
  } else if (HasMarker(plain)) {
    child = Fail(kDoesNotApply, "the program has no EVOLVE-BLOCK markers; do not add any");
  } else {
    child = WithDirectivesOf(parent, WithLastLineEnd(plain));
  }
  const auto* text = std::get_if<std::string>(&child);
  if (text != nullptr && Trim(*text) == Trim(parent)) {
    return Fail(kNoChange, "your answer is the program as it was");
  }
  return child;
}

std::variant<std::vector<SearchReplace>, EditFailure> ParseSearchReplace(std::string_view answer) {
  enum class In { kProse, kSearch, kReplace };
  const auto begins = [](std::string_view line, std::string_view mark, std::string_view word) {
    line = Trim(line);
    return line.substr(0, mark.size()) == mark && Trim(line.substr(mark.size())) == word;
  };
  std::vector<SearchReplace> edits;
  In in = In::kProse;
  int number = 0;
  const auto broken = [&](std::string_view what) {
    return Fail(kDoesNotApply, fmt::format("the SEARCH block at line {} of your answer {}",
                                           edits.back().line, what));
  };
  for (std::string_view line : Split(answer, '\n')) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (begins(line, "<<<<<<<", "SEARCH")) {
      if (in != In::kProse) return broken("is not finished before the next one begins");
      edits.push_back({"", "", number});
      in = In::kSearch;
    } else if (in == In::kSearch && begins(line, "=======", "")) {
      in = In::kReplace;
    } else if (in != In::kProse && begins(line, ">>>>>>>", "REPLACE")) {
      if (in == In::kSearch) return broken("has no line =======");
      in = In::kProse;
    } else if (in != In::kProse) {
      std::string& text = in == In::kSearch ? edits.back().search : edits.back().replace;
      text.append(line).append("\n");
    }
  }
  if (in != In::kProse) return broken("has no line >>>>>>> REPLACE");
  return edits;
}

EditResult ApplySearchReplace(std::string_view parent, const std::vector<SearchReplace>& edits) {
  if (edits.empty()) return Fail(kDoesNotApply, "your answer has no SEARCH/REPLACE block");
  std::string child(parent);
  for (const SearchReplace& edit : edits) {
    if (std::optional<EditFailure> failure = ApplyOne(edit, parent, child)) return *failure;
  }
  if (child == parent) return Fail(kNoChange, "your edits leave the program as it was");
  return child;
}

}  // namespace ks
