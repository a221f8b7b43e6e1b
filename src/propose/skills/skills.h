// Makers of the skills; one source file each. registry.cc lists them.
#ifndef KS_PROPOSE_SKILLS_SKILLS_H_
#define KS_PROPOSE_SKILLS_SKILLS_H_

#include <memory>

#include "propose/skill.h"

namespace ks {

std::unique_ptr<Skill> NewCompilerFlagsSkill();
std::unique_ptr<Skill> NewTuneParameterSkill();

// Strategies: another algorithm or explicit vector code for a whole nest.
std::unique_ptr<Skill> NewElementwiseVectorizeSkill();
std::unique_ptr<Skill> NewVectorReductionSkill();
std::unique_ptr<Skill> NewRegisterBlockSkill();
std::unique_ptr<Skill> NewContractionMicrokernelSkill();
std::unique_ptr<Skill> NewBlockedTransposeSkill();
std::unique_ptr<Skill> NewPrivatisedHistogramSkill();

}  // namespace ks

#endif  // KS_PROPOSE_SKILLS_SKILLS_H_
