// Evaluations in flight: a fixed number of threads that call the evaluator.
#ifndef KS_ENGINE_EVALUATION_POOL_H_
#define KS_ENGINE_EVALUATION_POOL_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/evaluator.h"

namespace ks {

// Thread-compatible for the caller; owns its threads. The destructor asks evaluations in flight to
// stop and waits for them.
class EvaluationPool {
 public:
  struct Done {
    CandidateId id = kNoCandidate;
    Result<Evaluation> result;
  };

  EvaluationPool(Evaluator& evaluator, int threads);
  ~EvaluationPool();
  EvaluationPool(const EvaluationPool&) = delete;
  EvaluationPool& operator=(const EvaluationPool&) = delete;

  void Submit(CandidateId id, EvaluationRequest request);
  // The next finished evaluation, in order of finishing; empty after `timeout_ms`.
  std::optional<Done> Wait(int timeout_ms);
  int in_flight() const;

 private:
  void Work(std::stop_token stop);

  Evaluator& evaluator_;
  mutable std::mutex mutex_;
  std::condition_variable_any wake_workers_;  // guarded state: queue_, done_, in_flight_
  std::condition_variable_any wake_caller_;
  std::deque<std::pair<CandidateId, EvaluationRequest>> queue_;
  std::deque<Done> done_;
  int in_flight_ = 0;
  std::vector<std::jthread> threads_;  // last: stops before the rest goes
};

}  // namespace ks

#endif  // KS_ENGINE_EVALUATION_POOL_H_
