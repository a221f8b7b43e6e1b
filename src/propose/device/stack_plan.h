// Triton loops over short columns: which of them can be one block with a dimension more.
//
//   for c in range(0, channels):            c = tl.arange(0, CHANNELS)[:, None]
//       value = tl.load(x + c * width + s)  value = tl.load(x + c * width + s, mask=c < channels)
//       total += value * value              total += tl.sum(tl.where(c < channels, value * value,
//       0))
#ifndef KS_PROPOSE_DEVICE_STACK_PLAN_H_
#define KS_PROPOSE_DEVICE_STACK_PLAN_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "propose/device/triton_parts.h"

namespace ks {

// One statement of a loop's body.
struct StackedStep {
  Node node;            // the inner statement
  std::string gathers;  // the name that it accumulates into; empty: it is a local or a store
  std::string reduce;   // "tl.sum", "tl.max", "tl.min"
  Node term;
};

// Value; nodes refer to the context's tree.
struct StackedLoop {
  PythonLoop loop;
  std::vector<StackedStep> steps;
};

struct StackPlan {
  std::string high;         // of all loops, as the kernel names it
  std::string plan_extent;  // ... and as the plan does
  std::vector<StackedLoop> loops;
  // Loads by node index: those with equal text load the same.
  std::map<int, std::string> loads;
  bool reads_again = false;  // two loads load the same
};

// Empty: loops differ in their range, a step depends on the one before other than by sums and
// extrema, values have more than one dimension already, what is stored is loaded too, or steps or
// lanes may store to the same place.
std::optional<StackPlan> PlanStack(const DeviceContext& context, const DeviceKernel& kernel);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_STACK_PLAN_H_
