#include "propose/skills/registry.h"

#include "propose/skills/skills.h"

namespace ks {

std::vector<std::unique_ptr<Skill>> AllSkills() {
  std::vector<std::unique_ptr<Skill>> skills;
  // Loops, flags and parameters.
  skills.push_back(NewCompilerFlagsSkill());
  skills.push_back(NewLaneStripsSkill());
  skills.push_back(NewMultipleAccumulatorsSkill());
  skills.push_back(NewUnrollAndJamSkill());
  skills.push_back(NewTuneParameterSkill());
  // Strategies.
  skills.push_back(NewElementwiseVectorizeSkill());
  skills.push_back(NewVectorReductionSkill());
  skills.push_back(NewRegisterBlockSkill());
  return skills;
}

}  // namespace ks
