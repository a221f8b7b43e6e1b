#include "propose/skills/registry.h"

#include "propose/skills/skills.h"

namespace ks {

std::vector<std::unique_ptr<Skill>> AllSkills() {
  std::vector<std::unique_ptr<Skill>> skills;
  // Loops, flags and parameters.
  skills.push_back(NewLaneStripsSkill());
  skills.push_back(NewLoopInterchangeSkill());
  skills.push_back(NewTileSkill());
  skills.push_back(NewUnrollAndJamSkill());
  skills.push_back(NewMultipleAccumulatorsSkill());
  skills.push_back(NewScalarReplacementSkill());
  skills.push_back(NewLoopFissionSkill());
  skills.push_back(NewLoopFusionSkill());
  skills.push_back(NewHoistInvariantsSkill());
  skills.push_back(NewBranchToSelectSkill());
  skills.push_back(NewSpecializeSizesSkill());
  skills.push_back(NewSplitRangeSkill());
  skills.push_back(NewThreadingSkill());
  skills.push_back(NewCompilerFlagsSkill());
  skills.push_back(NewVectorizePragmaSkill());
  skills.push_back(NewRestrictAlignmentSkill());
  skills.push_back(NewNarrowIndexSkill());
  skills.push_back(NewInlineHotHelperSkill());
  skills.push_back(NewPrefetchSkill());
  skills.push_back(NewNontemporalStoresSkill());
  skills.push_back(NewTuneParameterSkill());
  // Strategies.
  skills.push_back(NewElementwiseVectorizeSkill());
  skills.push_back(NewVectorReductionSkill());
  skills.push_back(NewRegisterBlockSkill());
  skills.push_back(NewContractionMicrokernelSkill());
  skills.push_back(NewBlockedTransposeSkill());
  skills.push_back(NewPrivatisedHistogramSkill());
  skills.push_back(NewOnePassMomentsSkill());
  return skills;
}

}  // namespace ks
