#include "propose/torch/module_skill.h"

namespace ks {

std::vector<std::unique_ptr<ModuleSkill>> AllModuleSkills() {
  std::vector<std::unique_ptr<ModuleSkill>> skills;
  skills.push_back(NewAttentionSkill());
  skills.push_back(NewOwnMatmulSkill());
  skills.push_back(NewMatmulEpilogueSkill());
  skills.push_back(NewMatmulTilesSkill());
  skills.push_back(NewOwnConvSkill());
  skills.push_back(NewModulePrecisionSkill());
  skills.push_back(NewDepthwiseConvSkill());
  skills.push_back(NewWeightsOnceSkill());
  skills.push_back(NewModuleBlocksSkill());
  skills.push_back(NewModuleWarpsSkill());
  skills.push_back(NewModuleCacheSkill());
  return skills;
}

}  // namespace ks
