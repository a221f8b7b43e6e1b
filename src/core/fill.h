// Input contents from a distribution, an axis assignment and a secret seed. Pure functions.
#ifndef KS_CORE_FILL_H_
#define KS_CORE_FILL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "core/task.h"

namespace ks {

// Raw bytes of one buffer, naturally laid out.
using Bytes = std::vector<std::byte>;

// The contents of every input of `task` for `workload`, in order. `variant` walks through the
// distribution mix of the check trials: 0 = the task's own fill; for float inputs with fill
// normal/uniform 1 = large offset, 2 = wide exponent range, 3 = sparse, 4 = small integers,
// repeating. Deterministic in (task, workload, seed, variant); large buffers are drawn by all
// cores. ERRORS: kInvalidArgument for a bad fill.
Result<std::vector<Bytes>> FillInputs(const Task& task, const Workload& workload, uint64_t seed,
                                      int variant);

// As FillInputs with variant 0, but of an elementwise input with more than `most` elements only
// `most` are drawn: a sample that stands for the rest (see DeviceRunner::SetContents).
Result<std::vector<Bytes>> FillSamples(const Task& task, const Workload& workload, uint64_t seed,
                                       size_t most);

// Replaces a random part (at least one element, about `fraction`) of float and label inputs in
// place by new draws, so that no two timed calls see the same content. Structural inputs (row
// pointers, column indices) and scalars stay. `inputs` are views in task order.
Status PerturbInputs(const Task& task, const Workload& workload, uint64_t seed, double fraction,
                     std::span<const std::span<std::byte>> inputs);

}  // namespace ks

#endif  // KS_CORE_FILL_H_
