// The declarative launch plan of a device candidate: comment directives in its source.
//
//   // ksmith: const BLOCK = 256
//   // ksmith: scratch partial f32 [rows, ceil_div(cols, BLOCK)]
//   // ksmith: clear partial
//   // ksmith: launch row_sums grid=(ceil_div(cols, BLOCK), rows) block=(BLOCK) shared=4*BLOCK
//   args=(x, partial, rows, cols)
//   // ksmith: launch finish grid=(rows) block=(128) args=(partial, y, rows, cols)
//
// ("#" instead of "//" in Python.) A constant is visible to the source under its name (a macro in
// C dialects, a constexpr argument of that name in Triton) and to every later expression; it may
// depend on axes: each distinct set of values is then compiled by itself. Steps run in the order
// of the text, all of them inside the timed region. Grammar: docs/launch_plan.md.
#ifndef KS_CORE_LAUNCH_PLAN_H_
#define KS_CORE_LAUNCH_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/outcome.h"
#include "core/task.h"

namespace ks {

// A piece of a directive: its text and where it begins (1-based), for messages and for edits.
struct PlanText {
  std::string text;
  int line = 0;
  int column = 0;
};

struct PlanConstant {
  std::string name;
  PlanText value;  // expression over axes, earlier constants and device limits
};

// A buffer of the candidate's own, uninitialised (poisoned) before every call.
struct PlanScratch {
  PlanText name;
  DType dtype = DType::kF32;
  std::vector<PlanText> shape;
};

// Sets a scratch or output buffer to zero bytes.
struct PlanClear {
  PlanText name;
};

struct PlanLaunch {
  PlanText kernel;
  std::vector<PlanText> grid;   // 1 to 3 expressions
  std::vector<PlanText> block;  // 1 to 3; empty in Triton, where num_warps decides
  PlanText shared;              // dynamic shared memory, bytes; empty: 0
  // Names of buffers, scalars, scratch and axes, or integer expressions. Without an args=(...):
  // all inputs, outputs and scratch buffers, then all axes.
  std::vector<PlanText> args;
  bool args_given = false;
  bool cooperative = false;  // all blocks resident at once: grid-wide barriers are allowed
  int cluster = 1;           // blocks a cluster along x (sm_90 and newer)
  int num_warps = 4;         // Triton only
  int num_stages = 3;        // Triton only
  int line = 0;
};

using PlanStep = std::variant<PlanClear, PlanLaunch>;

struct LaunchPlan {
  std::vector<PlanConstant> constants;
  std::vector<PlanScratch> scratch;
  std::vector<PlanStep> steps;
};

// Reads the directives of `source`. The second alternative says what is wrong: line, column, the
// line itself with a caret under the place, and what was expected there.
std::variant<LaunchPlan, Diagnostic> ParseLaunchPlan(std::string_view source);

// What one launch is on one workload; numbers only.
struct BoundArgument {
  enum class Kind : uint8_t { kInput, kOutput, kScratch, kScalar, kInteger } kind = Kind::kInteger;
  uint32_t index = 0;  // of the input, output or scratch buffer; of the input for kScalar
  int64_t value = 0;   // kInteger
};
struct BoundLaunch {
  uint32_t kernel = 0;  // index into DeviceProgram::kernels
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t shared_bytes = 0;
  uint32_t cluster = 1;
  bool cooperative = false;
  std::vector<BoundArgument> args;
};
struct BoundClear {
  BoundArgument::Kind kind = BoundArgument::Kind::kScratch;  // kOutput or kScratch
  uint32_t index = 0;
};
using BoundStep = std::variant<BoundClear, BoundLaunch>;

// The plan on one workload. `kernel` of a launch counts the plan's launches, in order.
struct BoundPlan {
  AxisValues constants;  // every constant's value
  std::vector<uint64_t> scratch_bytes;
  std::vector<BoundStep> steps;
};

// Limits that a launch must keep; zeros: unknown, not checked.
struct LaunchLimits {
  int64_t max_grid[3] = {2147483647, 65535, 65535};
  int64_t max_block[3] = {1024, 1024, 64};
  int64_t max_threads_per_block = 1024;
  int64_t max_shared_bytes = 0;
  int64_t sm_count = 1;  // visible to expressions as `sm_count`
  int64_t max_scratch_bytes = int64_t{16} << 30;
};

// Evaluates every expression. Second alternative: a name or expression is wrong (positions in the
// source). Third: the numbers are beyond the device.
std::variant<BoundPlan, Diagnostic, LaunchFailed> BindLaunchPlan(const LaunchPlan& plan,
                                                                 std::string_view source,
                                                                 const Task& task,
                                                                 const Workload& workload,
                                                                 const LaunchLimits& limits);

}  // namespace ks

#endif  // KS_CORE_LAUNCH_PLAN_H_
