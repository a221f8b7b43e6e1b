// The proposer "replay": the answers of a recorded run, without a model.
#ifndef KS_PROPOSE_LLM_REPLAY_PROPOSER_H_
#define KS_PROPOSE_LLM_REPLAY_PROPOSER_H_

#include <memory>
#include <utility>

#include "core/proposer.h"
#include "propose/llm/exchange.h"

namespace ks {

// Thread-safe. `inner` is a proposer whose models are ReplayChatModels over `record`.
class ReplayProposer final : public Proposer {
 public:
  ReplayProposer(std::unique_ptr<Proposer> inner,
                 std::shared_ptr<const ReplayChatModel::Record> record)
      : inner_(std::move(inner)), record_(std::move(record)) {}
  // A step that got no answer then gets none now. ERRORS: kResourceExhausted after the last
  // recorded answer; those of `inner`.
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override {
    if (record_->empty() || context.step > record_->rbegin()->first) {
      return Error{ErrorCode::kResourceExhausted, "all recorded answers are used up"};
    }
    if (record_->count(context.step) > 0) return inner_->Propose(context, std::move(stop));
    Proposal nothing;
    nothing.skill = "none";
    nothing.refused = Rejected{"no_answer", "the record has no answer to this step"};
    return std::optional(std::move(nothing));
  }
  bool slow() const override { return true; }

 private:
  const std::unique_ptr<Proposer> inner_;
  const std::shared_ptr<const ReplayChatModel::Record> record_;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_REPLAY_PROPOSER_H_
