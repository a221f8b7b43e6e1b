// Any program and any answer: an edit that applies leaves every byte outside the EVOLVE-BLOCKs as
// it was and the blocks where they were; one that does not says why.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "propose/llm/edit.h"
#include "propose/llm/evolve_block.h"

namespace {

// The text outside the blocks, marker lines included.
std::string Frozen(std::string_view source, const ks::EvolveBlocks& found) {
  std::string text;
  size_t at = 0;
  for (const ks::EvolveBlock& block : found.blocks) {
    text.append(source.substr(at, block.begin - at)).append("|");
    at = block.end;
  }
  return text.append(source.substr(at));
}

void CheckChild(const std::string& parent, const ks::EditResult& result) {
  const auto* child = std::get_if<std::string>(&result);
  if (child == nullptr) {
    KS_CHECK(!std::get_if<ks::EditFailure>(&result)->rule.empty());
    KS_CHECK(!std::get_if<ks::EditFailure>(&result)->reason.empty());
    return;
  }
  KS_CHECK(*child != parent);
  const ks::Result<ks::EvolveBlocks> before = ks::FindEvolveBlocks(parent);
  const ks::Result<ks::EvolveBlocks> after = ks::FindEvolveBlocks(*child);
  KS_CHECK(before.ok() && after.ok());
  KS_CHECK(before->marked == after->marked);
  if (before->marked) KS_CHECK(Frozen(parent, *before) == Frozen(*child, *after));
}

}  // namespace

// Input: the parent, a zero byte, the answer.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const size_t split = input.find('\0');
  if (split == input.npos) return 0;
  const std::string parent = input.substr(0, split);
  const std::string answer = input.substr(split + 1);
  CheckChild(parent, ks::ApplyRewrite(parent, answer));
  const auto edits = ks::ParseSearchReplace(answer);
  if (const auto* list = std::get_if<std::vector<ks::SearchReplace>>(&edits)) {
    CheckChild(parent, ks::ApplySearchReplace(parent, *list));
  }
  return 0;
}
