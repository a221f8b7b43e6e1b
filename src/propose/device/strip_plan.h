// Triton kernels whose lanes make one output each from a window of constant size: what neighbours
// along the slower axis share.
//
//   at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
//   row = at // width
//   column = at % width
//   for k in range(-1, 3):
//       for l in range(-1, 3):
//           source_row = row + k
//           ...  load from (source_row, column + l) where source_row < height
//           best = tl.maximum(best, value)
#ifndef KS_PROPOSE_DEVICE_STRIP_PLAN_H_
#define KS_PROPOSE_DEVICE_STRIP_PLAN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "propose/device/triton_parts.h"

namespace ks {

// A loop of the window: for variable in range(low, high), both numbers.
struct WindowLoop {
  std::string variable;
  int64_t low = 0, high = 0;
};

// acc = op(acc, term)
struct WindowUpdate {
  std::string name, op;  // "+", "tl.maximum", "tl.minimum"
  std::string keywords;  // of the call, with a comma in front
  Node term;
};

// One statement of the window. `kind`: what of the place in the window it depends on.
struct WindowStep {
  enum class Kind { kShared, kOwn, kUpdate };
  Node node;
  Kind kind = Kind::kShared;  // kShared: the same for all outputs that read that row
  bool inner = false;
  WindowUpdate update;
};

// Value; nodes refer to the context's tree.
struct StripPlan {
  int axis = 0;                               // of the grid
  std::string at, row, column, width, block;  // names and texts of the kernel
  std::string plan_width, plan_count;         // width and number of outputs, as the plan says them
  Node row_statement;
  std::vector<Node> before, each, inits;  // statements in front: once, an output, of accumulators
  std::vector<Node> after;                // an output
  std::vector<std::string> accumulators;
  WindowLoop down;
  std::optional<WindowLoop> across;
  std::vector<WindowStep> steps;
  std::set<std::string> own;              // names that kOwn steps assign
  std::map<int, WindowStep::Kind> loads;  // loads in terms of updates, by node index
  int64_t stride = 1;                     // rows that the window moves from output to output
};

// Empty: another structure, or a load or store that more outputs a lane would take beyond what the
// kernel itself reaches.
std::optional<StripPlan> PlanStrips(const DeviceContext& context, const DeviceKernel& kernel);

// Text of `node` with names replaced (not those of keywords and attributes).
std::string RenamedText(Node node, const std::map<std::string, std::string>& names);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_STRIP_PLAN_H_
