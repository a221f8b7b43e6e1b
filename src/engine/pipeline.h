// What is under way outside the engine's thread: questions to slow proposers and evaluations.
#ifndef KS_ENGINE_PIPELINE_H_
#define KS_ENGINE_PIPELINE_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "base/clock.h"
#include "core/evaluator.h"
#include "core/proposer.h"
#include "engine/evaluation_request.h"
#include "engine/worker_pool.h"

namespace ks {

// What a proposer said about one step.
struct Answer {
  Result<std::optional<Proposal>> proposal = std::optional<Proposal>();
  std::string normalized_hash;  // of the proposed source; empty when there is none or it is refused
  double seconds = 0;
};

// Something that ended: the answer or the evaluation of a candidate.
struct Arrival {
  CandidateId id = kNoCandidate;
  std::variant<Answer, Result<Evaluation>> what;
  // What was evaluated. The owner, who made it, frees it: for another thread that would be slow.
  std::optional<EvaluationRequest> request;
};

// Asking and evaluating have threads of their own, so that a question that waits for a server holds
// up no evaluation. The owner calls from one thread. The destructor asks what is under way to stop
// and waits for it.
class Pipeline {
 public:
  // SHA-256 of the normalised source. Thread-safe.
  using HashNormalized = std::function<std::string(const std::string& source)>;

  // `askers` may be 0: Ask is never called. All references outlive it.
  Pipeline(Evaluator& evaluator, Proposer& proposer, const Clock& clock, HashNormalized hash,
           int workers, int askers);

  // Asks the proposer; `stop` is the caller's, beside the pipeline's own end.
  void Ask(CandidateId id, std::shared_ptr<const ProposalContext> context, std::stop_token stop);
  void Evaluate(CandidateId id, EvaluationOrder order);
  // The next thing that ended, in order of ending; empty after `timeout_ms` or a nudge.
  std::optional<Arrival> Wait(int timeout_ms);
  // What is evaluated next finds a thread awake, if that is soon. (Who is asked takes longer.)
  void Rouse();
  // Lets a Wait return. From any thread.
  void Nudge();
  // Asked or evaluated, and not yet returned by Wait.
  int in_flight() const { return in_flight_; }

 private:
  void Arrive(Arrival arrival);

  Evaluator& evaluator_;
  Proposer& proposer_;
  const Clock& clock_;
  const HashNormalized hash_normalized_;
  int in_flight_ = 0;  // the owner's

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Arrival> arrived_;  // guarded by mutex_, as is the following
  bool nudged_ = false;

  EnginePool evaluating_;  // last: they end before what they use
  EnginePool asking_;
};

// Asks `proposer` on this thread.
Answer AskNow(Proposer& proposer, const ProposalContext& context,
              const Pipeline::HashNormalized& hash, const Clock& clock, std::stop_token stop);

}  // namespace ks

#endif  // KS_ENGINE_PIPELINE_H_
