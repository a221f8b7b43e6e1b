// The explicit table of all skills.
#ifndef KS_PROPOSE_SKILLS_REGISTRY_H_
#define KS_PROPOSE_SKILLS_REGISTRY_H_

#include <memory>
#include <vector>

#include "propose/skill.h"

namespace ks {

// In the order of the table in registry.cc.
std::vector<std::unique_ptr<Skill>> AllSkills();

}  // namespace ks

#endif  // KS_PROPOSE_SKILLS_REGISTRY_H_
