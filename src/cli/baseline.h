// What the baseline of a run is chosen from: the seed with the compilers and flags that a careful
// person would try.
#ifndef KS_CLI_BASELINE_H_
#define KS_CLI_BASELINE_H_

#include <string>
#include <vector>

#include "core/machine.h"
#include "core/task.h"

namespace ks {

// The seed as written first, then with other build directives: -O2 and -O3 for this machine, with
// fast maths where the task's tolerance admits it, unrolled, wide vectors, by each compiler found.
// On devices: as written, and with relaxed arithmetic where the task admits it. All texts differ.
// ERRORS: kInvalidArgument (no seed for `backend`).
Result<std::vector<std::string>> BaselineVariants(const Task& task, const std::string& backend,
                                                  const Machine& machine);

}  // namespace ks

#endif  // KS_CLI_BASELINE_H_
