#include "propose/torch/fused_seed.h"

#include "propose/torch/module_skill.h"

namespace ks {
namespace {

constexpr int kMostAttentions = 8;

}  // namespace

std::optional<std::string> FusedSeed(const std::string& compiled) {
  std::string source = compiled;
  const auto apply = [&source](const std::unique_ptr<ModuleSkill>& skill) {
    const std::unique_ptr<ModuleContext> module = ModuleContext::Make(source);
    if (module == nullptr) return false;
    std::vector<Edit> edits = skill->Edits(*module);
    if (!edits.empty()) source = std::move(edits.front().source);
    return !edits.empty();
  };
  for (int i = 0; i < kMostAttentions && apply(NewAttentionSkill()); ++i) {
  }
  if (!apply(NewMatmulEpilogueSkill())) apply(NewOwnMatmulSkill());
  apply(NewOwnConvSkill());
  apply(NewDepthwiseConvSkill());
  apply(NewWeightsOnceSkill());
  if (source == compiled) return std::nullopt;
  return source;
}

}  // namespace ks
