// Which of the built-in skills apply to a parent, for prompts: guidance and record.
#ifndef KS_PROPOSE_LLM_SKILL_NOTES_H_
#define KS_PROPOSE_LLM_SKILL_NOTES_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/proposer.h"
#include "propose/device/device_skill.h"
#include "propose/skill.h"

namespace ks {

struct SkillNote {
  std::string name;
  std::string summary;
  SkillRecord record;
};

// `source`: of the parent. Thread-safe.
using SkillNotes = std::function<std::vector<SkillNote>(const ProposalContext& context,
                                                        const std::string& source)>;

// Those with at least one legal edit of the parent: what held most often first, then what was not
// tried, then what only failed. Empty where the parent does not parse.
SkillNotes NotesOfSkills(std::vector<std::unique_ptr<Skill>> skills,
                         std::vector<std::unique_ptr<DeviceSkill>> device_skills);

// One line: "name (tried 3, held 1, mean gain 1.2x): summary".
std::string SkillLine(const SkillNote& note);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_SKILL_NOTES_H_
