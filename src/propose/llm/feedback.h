// What the hardware said about a candidate, as text for a prompt.
#ifndef KS_PROPOSE_LLM_FEEDBACK_H_
#define KS_PROPOSE_LLM_FEEDBACK_H_

#include <string>
#include <string_view>

#include "core/archive.h"
#include "core/evaluation.h"
#include "core/machine.h"
#include "core/task.h"

namespace ks {

// Several lines: outcome; of a measured kernel the times, gains and roofline share of each
// workload, its bottleneck and what the compiled code looks like; of a failed one everything that
// helps to mend it. `source` is shown around the lines of compiler messages.
std::string FeedbackText(const Evaluation& evaluation, std::string_view source);

// One line: "c12 (tile): 1.23x over its parent, 2.3x over the baseline. Rationale".
std::string AttemptLine(const Member& member);

// Task, sizes, precision and tolerance.
std::string ProblemText(const Task& task);
// The processor or the accelerator, and what it can do.
std::string MachineText(const Machine& machine);

// `text` between fences that it cannot close, with the name of its language.
std::string Fenced(std::string_view text, std::string_view language);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_FEEDBACK_H_
