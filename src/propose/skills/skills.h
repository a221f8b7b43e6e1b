// Makers of the skills; one source file each. registry.cc lists them.
#ifndef KS_PROPOSE_SKILLS_SKILLS_H_
#define KS_PROPOSE_SKILLS_SKILLS_H_

#include <memory>

#include "propose/skill.h"

namespace ks {

std::unique_ptr<Skill> NewLaneStripsSkill();
std::unique_ptr<Skill> NewLoopInterchangeSkill();
std::unique_ptr<Skill> NewTileSkill();
std::unique_ptr<Skill> NewUnrollAndJamSkill();
std::unique_ptr<Skill> NewMultipleAccumulatorsSkill();
std::unique_ptr<Skill> NewScalarReplacementSkill();
std::unique_ptr<Skill> NewLoopFissionSkill();
std::unique_ptr<Skill> NewLoopFusionSkill();
std::unique_ptr<Skill> NewHoistInvariantsSkill();
std::unique_ptr<Skill> NewBranchToSelectSkill();
std::unique_ptr<Skill> NewSpecializeSizesSkill();
std::unique_ptr<Skill> NewSplitRangeSkill();
std::unique_ptr<Skill> NewThreadingSkill();
std::unique_ptr<Skill> NewCompilerFlagsSkill();
std::unique_ptr<Skill> NewVectorizePragmaSkill();
std::unique_ptr<Skill> NewRestrictAlignmentSkill();
std::unique_ptr<Skill> NewNarrowIndexSkill();
std::unique_ptr<Skill> NewInlineHotHelperSkill();
std::unique_ptr<Skill> NewPrefetchSkill();
std::unique_ptr<Skill> NewNontemporalStoresSkill();
std::unique_ptr<Skill> NewTuneParameterSkill();

// Strategies: another algorithm or explicit vector code for a whole nest.
std::unique_ptr<Skill> NewElementwiseVectorizeSkill();
std::unique_ptr<Skill> NewVectorReductionSkill();
std::unique_ptr<Skill> NewRegisterBlockSkill();
std::unique_ptr<Skill> NewContractionMicrokernelSkill();
std::unique_ptr<Skill> NewBlockedTransposeSkill();
std::unique_ptr<Skill> NewPrivatisedHistogramSkill();
std::unique_ptr<Skill> NewOnePassMomentsSkill();

}  // namespace ks

#endif  // KS_PROPOSE_SKILLS_SKILLS_H_
