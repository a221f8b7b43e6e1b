// Natural loops of one function's control flow, from instructions and branch targets.
#ifndef KS_BACKEND_CPU_LOOPS_H_
#define KS_BACKEND_CPU_LOOPS_H_

#include <cstddef>
#include <vector>

namespace ks {

// One instruction as far as control flow goes.
struct FlowInstruction {
  bool is_branch = false;     // jumps, conditionally or not
  bool falls_through = true;  // may continue with the next instruction
  int target = -1;            // index of the branch target; -1: none or outside the function
};

struct NaturalLoop {
  std::vector<int> instructions;  // sorted
  int depth = 1;                  // 1 = outermost
  bool innermost = true;
};

// Loops = back edges to a dominator; loops with one header are merged (Aho et al., "Compilers",
// section 9.6; dominators after Cooper, Harvey and Kennedy, 2001). Empty for a function of more
// than 50,000 instructions or 2,000 loops.
std::vector<NaturalLoop> FindLoops(const std::vector<FlowInstruction>& code);

}  // namespace ks

#endif  // KS_BACKEND_CPU_LOOPS_H_
