// Ways to mend a failed candidate: take back what may have broken it.
#ifndef KS_PROPOSE_REPAIR_H_
#define KS_PROPOSE_REPAIR_H_

#include <string>
#include <vector>

#include "core/outcome.h"
#include "core/task.h"
#include "propose/skill.h"

namespace ks {

// The skill name of repairs.
inline constexpr char kRepairSkill[] = "repair";

// Edits that might mend `source` after `outcome`; works on text that does not parse as well. Empty
// when nothing sensible is known. Deterministic.
std::vector<Edit> RepairEdits(const std::string& source, const Outcome& outcome);

}  // namespace ks

#endif  // KS_PROPOSE_REPAIR_H_
