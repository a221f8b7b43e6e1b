#include "propose/skills/registry.h"

#include "propose/skills/skills.h"

namespace ks {

std::vector<std::unique_ptr<Skill>> AllSkills() {
  std::vector<std::unique_ptr<Skill>> skills;
  // Loops, flags and parameters.
  skills.push_back(NewCompilerFlagsSkill());
  skills.push_back(NewTuneParameterSkill());
  // Strategies.
  skills.push_back(NewElementwiseVectorizeSkill());
  skills.push_back(NewVectorReductionSkill());
  skills.push_back(NewRegisterBlockSkill());
  skills.push_back(NewContractionMicrokernelSkill());
  skills.push_back(NewBlockedTransposeSkill());
  skills.push_back(NewPrivatisedHistogramSkill());
  return skills;
}

}  // namespace ks
