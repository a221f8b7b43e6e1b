#include "engine/pipeline.h"

#include <chrono>
#include <utility>

namespace ks {

Answer AskNow(Proposer& proposer, const ProposalContext& context,
              const Pipeline::HashNormalized& hash, const Clock& clock, std::stop_token stop) {
  const int64_t begin_ns = clock.MonotonicNs();
  Answer answer;
  answer.proposal = proposer.Propose(context, std::move(stop));
  if (answer.proposal.ok() && *answer.proposal && !(*answer.proposal)->refused) {
    answer.normalized_hash = hash((*answer.proposal)->source);
  }
  answer.seconds = static_cast<double>(clock.MonotonicNs() - begin_ns) * 1e-9;
  return answer;
}

Pipeline::Pipeline(Evaluator& evaluator, Proposer& proposer, const Clock& clock,
                   HashNormalized hash, int workers, int askers)
    : evaluator_(evaluator),
      proposer_(proposer),
      clock_(clock),
      hash_normalized_(std::move(hash)),
      evaluating_(workers),
      asking_(askers) {}

void Pipeline::Ask(CandidateId id, std::shared_ptr<const ProposalContext> context,
                   std::stop_token stop) {
  ++in_flight_;
  asking_.Submit([this, id, context = std::move(context),
                  stop = std::move(stop)](const std::stop_token& ending) {
    std::stop_source either;
    const auto end = [&either] { either.request_stop(); };
    const std::stop_callback on_stop(stop, end);
    const std::stop_callback on_end(ending, end);
    Arrive({id, AskNow(proposer_, *context, hash_normalized_, clock_, either.get_token()), {}});
  });
}

void Pipeline::Evaluate(CandidateId id, EvaluationOrder order) {
  ++in_flight_;
  evaluating_.Submit([this, id, order = std::move(order)](const std::stop_token& stop) mutable {
    const Status loaded = LoadRivals(order);
    Result<Evaluation> evaluation =
        loaded.ok() ? evaluator_.Evaluate(order.request, stop) : loaded.error();
    Arrive({id, std::move(evaluation), std::move(order.request)});
  });
}

void Pipeline::Arrive(Arrival arrival) {
  {
    const std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(arrival));
  }
  wake_.notify_one();
}

void Pipeline::Rouse() { evaluating_.Rouse(); }

void Pipeline::Nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  wake_.notify_one();
}

std::optional<Arrival> Pipeline::Wait(int timeout_ms) {
  std::unique_lock lock(mutex_);
  if (arrived_.empty()) {
    lock.unlock();
    evaluating_.Hurry();
    asking_.Hurry();
    lock.lock();
  }
  wake_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                 [&] { return !arrived_.empty() || nudged_; });
  if (arrived_.empty()) {
    nudged_ = false;
    return std::nullopt;
  }
  Arrival arrival = std::move(arrived_.front());
  arrived_.pop_front();
  --in_flight_;
  return arrival;
}

}  // namespace ks
