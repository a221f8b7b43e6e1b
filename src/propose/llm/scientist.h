// The scientist pipeline (GPU Kernel Scientist, arXiv 2506.20807): a selector picks a base and a
// reference from the population, a designer lists avenues and writes experiments, three of which a
// writer carries out, one a step.
#ifndef KS_PROPOSE_LLM_SCIENTIST_H_
#define KS_PROPOSE_LLM_SCIENTIST_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/proposer.h"
#include "propose/llm/experiment.h"
#include "propose/llm/llm_proposer.h"

namespace ks {

// Thread-safe. Every third step begins a round: it selects, designs and writes the first
// experiment; the two steps after it wait for its design and write the others. A round without a
// readable design falls back to plain improvement.
class ScientistProposer final : public Proposer {
 public:
  // `begins_round`: of a step; the steps after it belong to its round. For a new run every third
  // step from its first on, for a replay those that began one in the record.
  ScientistProposer(LlmParts parts, std::function<bool(int64_t step)> begins_round)
      : parts_(std::move(parts)), begins_round_(std::move(begins_round)) {}
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override;
  bool slow() const override { return true; }

 private:
  struct Round {
    MemberPtr base;       // null: there is no design
    MemberPtr reference;  // may be null
    std::vector<Experiment> experiments;
  };
  using RoundPtr = std::shared_ptr<const Round>;

  // Asks selector and designer. ERRORS: the models'.
  Result<RoundPtr> Design(const ProposalContext& context, Conversation& talk,
                          std::stop_token stop) const;
  void Publish(int64_t step, RoundPtr round);
  // The round that this step belongs to; null when `stop` came first.
  RoundPtr Await(int64_t step, std::stop_token stop);
  Result<Proposal> Write(const ProposalContext& context, const Round& round, size_t slot,
                         Conversation& talk, std::stop_token stop) const;

  const LlmParts parts_;
  const std::function<bool(int64_t)> begins_round_;
  std::mutex mutex_;
  std::condition_variable_any published_;
  std::map<int64_t, RoundPtr> rounds_;  // by the step that began it; guarded by mutex_
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_SCIENTIST_H_
