// A task and a source with launch directives, shared by tests of the plan.
#ifndef KS_TESTS_CORE_LAUNCH_SAMPLES_H_
#define KS_TESTS_CORE_LAUNCH_SAMPLES_H_

#include "core/task.h"

namespace ks {

// y[r] = scale * sum over c of x[r, c]
inline Task RowSumTask() {
  Task task;
  task.name = "row_sum";
  task.entry = "row_sum";
  task.axes = {"rows", "cols"};
  BufferSpec x;
  x.name = "x";
  x.shape = {"rows", "cols"};
  BufferSpec scale;
  scale.name = "scale";
  scale.scalar = true;
  BufferSpec y;
  y.name = "y";
  y.shape = {"rows"};
  task.inputs = {x, scale};
  task.outputs = {y};
  return task;
}

inline constexpr const char* kRowSums =
    "// Two stages.\n"
    "// ksmith: const BLOCK = 256\n"
    "// ksmith: flags --use_fast_math\n"
    "//ksmith: scratch partial f32 [rows, ceil_div(cols, BLOCK)]\n"
    "  // ksmith: clear partial\n"
    "// ksmith: launch row_sums<float, 4> grid=(ceil_div(cols, BLOCK), rows) block=(BLOCK)\n"
    "// ksmith: and shared=4*BLOCK args=(x, partial, rows, cols)\n"
    "// ksmith: launch finish grid=(rows) block=(128)\n"
    "template <typename T, int N> __global__ void row_sums(const T* x) {}\n";

}  // namespace ks

#endif  // KS_TESTS_CORE_LAUNCH_SAMPLES_H_
