// The declarative launch plan of a device candidate: comment directives in its source.
//
//   // ksmith: const BLOCK = 256
//   // ksmith: scratch partial f32 [rows, ceil_div(cols, BLOCK)]
//   // ksmith: clear partial
//   // ksmith: launch row_sums grid=(ceil_div(cols, BLOCK), rows) block=(BLOCK) shared=4*BLOCK
//   // ksmith: and args=(x, partial, rows, cols)
//   // ksmith: launch finish grid=(rows) block=(128) args=(partial, y, rows, cols)
//
// ("#" instead of "//" in Python; "and" goes on with the launch of the line before.) A constant
// is visible to the source under its name (a macro in C dialects, a constexpr argument of that name
// in Triton) and to every later expression; it may depend on axes: each distinct set of values is
// then compiled by itself. Steps run in the order of the text, all of them inside the timed region.
// Grammar: docs/launch_plan.md. Edits of directives: core/launch_plan_edit.h.
#ifndef KS_CORE_LAUNCH_PLAN_H_
#define KS_CORE_LAUNCH_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/dtype.h"
#include "core/outcome.h"
#include "core/task.h"

namespace ks {

// Bytes [begin, end) of the source.
struct PlanSpan {
  size_t begin = 0;
  size_t end = 0;
};

// A piece of a directive: its text and where it begins (1-based), for messages and for edits.
struct PlanText {
  std::string text;
  int line = 0;
  int column = 0;
  size_t offset = 0;  // of its first byte in the source

  PlanSpan span() const { return {offset, offset + text.size()}; }
};

// `directive` below: from the comment marker to the last byte before the line's end, continuations
// ("and" lines) included.
struct PlanConstant {
  std::string name;
  PlanText value;  // expression over axes, earlier constants and `sm_count`
  PlanSpan directive;
};

// A buffer of the candidate's own, uninitialised (poisoned) before every call.
struct PlanScratch {
  PlanText name;
  DType dtype = DType::kF32;
  std::vector<PlanText> shape;
  PlanSpan directive;
};

// Sets a scratch or output buffer to zero bytes.
struct PlanClear {
  PlanText name;
  PlanSpan directive;
};

// One option as written: "block=(BLOCK)" or "cooperative".
struct PlanOption {
  std::string name;
  PlanSpan span;
};

struct PlanLaunch {
  PlanText kernel;
  std::vector<PlanText> grid;   // 1 to 3 expressions
  std::vector<PlanText> block;  // 1 to 3; empty in Triton, where num_warps decides
  PlanText shared;              // dynamic shared memory, bytes; empty: 0
  PlanText cluster;             // blocks a cluster along x (sm_90 and newer); empty: 1
  PlanText num_warps;           // Triton only; empty: 4
  PlanText num_stages;          // Triton only; empty: 3
  PlanText maxnreg;  // Triton only: most registers a thread; empty: the compiler's choice
  // Names of buffers, scalars, scratch and axes, or integer expressions. Without an args=(...):
  // all inputs, outputs and scratch buffers, then all axes.
  std::vector<PlanText> args;
  bool args_given = false;
  bool cooperative = false;         // all blocks resident at once: grid-wide barriers are allowed
  std::vector<PlanOption> options;  // in the order of the text
  PlanSpan directive;
};

using PlanStep = std::variant<PlanClear, PlanLaunch>;

// The marker of the first directive decides: "//" or "#". A text uses one of them.
enum class PlanDialect : uint8_t { kC, kPython };

struct LaunchPlan {
  PlanDialect dialect = PlanDialect::kC;
  std::vector<PlanConstant> constants;
  std::vector<PlanScratch> scratch;
  std::vector<PlanStep> steps;
};

// Reads the directives of `source`. The second alternative says what is wrong: line, column, what
// was expected there, and the line itself with a caret under the place. A plan has a launch.
std::variant<LaunchPlan, Diagnostic> ParseLaunchPlan(std::string_view source);

// What one launch is on one workload; numbers only.
struct BoundArgument {
  enum class Kind : uint8_t { kInput, kOutput, kScratch, kScalar, kInteger } kind = Kind::kInteger;
  uint32_t index = 0;  // of the input, output or scratch buffer; of the input for kScalar
  int64_t value = 0;   // kInteger
  bool operator==(const BoundArgument&) const = default;
};
struct BoundLaunch {
  uint32_t kernel = 0;  // index into DeviceProgram::kernels
  uint32_t grid[3] = {1, 1, 1};
  uint32_t block[3] = {1, 1, 1};
  uint32_t shared_bytes = 0;
  uint32_t cluster = 1;
  bool cooperative = false;
  std::vector<BoundArgument> args;
  bool operator==(const BoundLaunch&) const = default;
};
struct BoundClear {
  BoundArgument::Kind kind = BoundArgument::Kind::kScratch;  // kOutput or kScratch
  uint32_t index = 0;
  bool operator==(const BoundClear&) const = default;
};
using BoundStep = std::variant<BoundClear, BoundLaunch>;

// What a Triton launch asks of its compiler.
struct BoundTuning {
  int num_warps = 4;
  int num_stages = 3;
  int maxnreg = 0;  // 0: no limit
  bool operator==(const BoundTuning&) const = default;
};

// The plan on one workload. `kernel` of a launch counts the plan's launches, in order. A launch
// with an empty grid is not among the steps: there is nothing to do.
struct BoundPlan {
  AxisValues constants;  // every constant's value
  std::vector<uint64_t> scratch_bytes;
  std::vector<BoundStep> steps;
  std::vector<BoundTuning> tuning;  // one for each launch of the plan
};

// Limits that a launch must keep. max_shared_bytes 0: unknown, not checked.
struct LaunchLimits {
  int64_t max_grid[3] = {2147483647, 65535, 65535};
  int64_t max_block[3] = {1024, 1024, 64};
  int64_t max_threads_per_block = 1024;
  int64_t max_shared_bytes = 0;
  uint32_t warp_size = 32;  // threads that num_warps counts
  int64_t sm_count = 1;     // visible to expressions as `sm_count`
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
