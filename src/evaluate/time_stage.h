// The timing: candidate and rival interleaved A B B A on the same buffers, new content for every
// pair, outputs of timed calls judged, clocks of both processes cross-checked.
#ifndef KS_EVALUATE_TIME_STAGE_H_
#define KS_EVALUATE_TIME_STAGE_H_

#include <optional>
#include <stop_token>
#include <vector>

#include "backend/backend.h"
#include "core/config.h"
#include "evaluate/judge.h"
#include "evaluate/oracle.h"
#include "measure/paired.h"

namespace ks {

// Starts a fresh process for each side. REQUIRES: the timing lease is held. The outputs chosen for
// the oracle are judged by `JudgeTimed` afterwards, so that the lease is short.
class PairTimer {
 public:
  // `core`: both runners are pinned there; -1: anywhere.
  PairTimer(const Task& task, ProcessBackend& backend, const EvaluationConfig& config,
            TimingPlan plan, int core)
      : task_(task), backend_(backend), config_(config), plan_(plan), core_(core) {}

  // ERRORS: our side only.
  Result<TimingResult> Run(const CompiledKernel& rival, const CompiledKernel& candidate,
                           std::stop_token stop);
  // The oracle's verdict on the kept outputs; empty: all right.
  Result<std::optional<Outcome>> JudgeTimed(Oracle& oracle, std::stop_token stop) const;

 private:
  struct Kept {  // a timed call whose outputs await the oracle
    const Workload* workload = nullptr;
    std::vector<Bytes> inputs;
    std::vector<Bytes> outputs;
  };
  class WorkloadTimer;

  const Task& task_;
  ProcessBackend& backend_;
  const EvaluationConfig& config_;
  TimingPlan plan_;
  const int core_;
  std::vector<Kept> kept_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TIME_STAGE_H_
