// Records of skills as values: counted from outcomes, written as text, carried from run to run.
#ifndef KS_CORE_SKILL_RECORD_H_
#define KS_CORE_SKILL_RECORD_H_

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/outcome.h"
#include "core/proposer.h"

namespace ks {

using SkillRecords = std::map<std::string, SkillRecord>;  // by name

// One more use, with this outcome.
void CountUse(const Outcome& outcome, SkillRecord& record);
// `more` added to `records`, skill by skill.
void AddRecords(const SkillRecords& more, SkillRecords& records);
// What another task may be told: of each skill at most `most_tries` uses, shares and gain per held
// use kept; what models cost is left out. A prior, which what is seen in the run itself outweighs.
SkillRecords AsPrior(const SkillRecords& records, int most_tries);

// One line a skill: tried, measured, held, log_gain (hexadecimal), name.
std::string SkillRecordsToText(const SkillRecords& records);
// ERRORS: kDataLoss.
Result<SkillRecords> SkillRecordsFromText(std::string_view text);

}  // namespace ks

#endif  // KS_CORE_SKILL_RECORD_H_
