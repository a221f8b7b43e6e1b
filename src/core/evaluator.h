// Port: judges candidates. The engine knows no other way to learn anything about a kernel.
#ifndef KS_CORE_EVALUATOR_H_
#define KS_CORE_EVALUATOR_H_

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "core/evaluation.h"
#include "core/machine.h"
#include "core/task.h"

namespace ks {

struct Stages {
  bool compile = true;
  bool check = true;
  bool time = true;
  bool profile = false;  // needs `time`; device backends
};

// A measured kernel to compare with.
struct Rival {
  std::string source;
  Interval speedup;        // over the baseline; {1,1,1} for the baseline itself
  bool confirmed = false;  // its speed-up rests on a direct measurement
};

struct EvaluationRequest {
  std::string source;
  Stages stages;
  std::optional<Rival> parent;    // paired with the candidate; none: against the baseline
  std::optional<Rival> champion;  // best so far: a candidate that seems to beat it is confirmed
  std::string baseline_source;    // what speed-ups are relative to
  uint64_t seed = 0;              // mixed with a secret one for inputs
  bool held_out = false;          // also time the held-out workloads when confirmed
  bool call_by_call = false;      // a module: timed without CUDA graphs
  bool own_baseline = false;      // a module: the baseline is ours, and may have threads
  bool quiet = false;             // a module: nobody else is at work on the device meanwhile
  // Answers whether a binary was judged before; called once after compiling, from any thread.
  std::function<std::optional<CandidateId>(const std::string& binary_hash)> seen_binary;
};

// Thread-safe: several calls may run at once; timing is serialised inside.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  // A candidate's failure is in the Evaluation. ERRORS: only faults of our side (no compiler,
  // sandbox not available, reference does not compile), or kCancelled after `stop`.
  virtual Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token stop) = 0;
  virtual const Task& task() const = 0;
  virtual const Machine& machine() const = 0;
};

}  // namespace ks

#endif  // KS_CORE_EVALUATOR_H_
