// The admission gate: proves that a task's check can tell a right kernel from a wrong one.
#ifndef KS_TASK_GATE_H_
#define KS_TASK_GATE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/fill.h"
#include "core/outcome.h"
#include "core/task.h"

namespace ks {

// Port: runs the reference and the seed kernel of one task. Single thread.
class GateRunner {
 public:
  virtual ~GateRunner() = default;
  // Outputs of the oracle in task order: float outputs as double. `inputs` are in the declared
  // types, as FillInputs gives them. ERRORS: the reference does not compile, crashes or hangs.
  virtual Result<std::vector<Bytes>> Reference(const Workload& workload,
                                               const std::vector<Bytes>& inputs) = 0;
  // Outputs of the seed in the declared types, or what became of it. ERRORS: our side only.
  virtual Result<std::variant<std::vector<Bytes>, Outcome>> Seed(
      const Workload& workload, const std::vector<Bytes>& inputs) = 0;
};

struct GateCheck {
  std::string name;  // "zeros", "ones", "first_input", ...: docs/task_format.md
  bool passed = true;
  std::string reason;  // why not; empty when passed
};

struct GateReport {
  std::vector<GateCheck> checks;

  bool admitted() const;
  // The first failed check as one line; empty when admitted.
  std::string Refusal() const;
};

// Runs all checks. Impostors (zeros, ones, the first input, the reference rotated and reversed, the
// reference of another seed, the reference in a lower precision) must fail on every output of every
// time and held-out workload and on at least one check workload; a single element cannot be
// permuted. The reference in the declared precision must pass; the seed kernel must pass on every
// workload, on the check workloads under every variant of the distribution mix.
// ERRORS: those of the runner and of FillInputs.
Result<GateReport> RunGate(const Task& task, GateRunner& runner, uint64_t seed);

}  // namespace ks

#endif  // KS_TASK_GATE_H_
