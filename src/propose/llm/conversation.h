// All that is said with models for one proposal: who is asked, what it costs, what is recorded.
#ifndef KS_PROPOSE_LLM_CONVERSATION_H_
#define KS_PROPOSE_LLM_CONVERSATION_H_

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "core/proposer.h"
#include "propose/llm/exchange.h"
#include "propose/llm/model_pool.h"

namespace ks {

// Single thread.
class Conversation {
 public:
  Conversation(const ProposalContext& context, std::string proposer) : seed_(context.seed) {
    exchange_.step = context.step;
    exchange_.proposer = std::move(proposer);
  }

  // Asks the first of `models`; the next when one cannot be reached. ERRORS: those of the last one
  // asked; at once those that another model would not mend (kResourceExhausted, kCancelled).
  Result<ChatAnswer> Ask(const std::string& purpose, const std::vector<ChatModel*>& models,
                         const std::vector<ChatMessage>& messages, std::stop_token stop);
  // Of the last answer.
  ChatModel* answered_by() const { return answered_by_; }
  // An answer came.
  bool paid() const { return paid_; }

  // Records the exchange and puts its hash and the costs into `proposal`. ERRORS: the sink's.
  Result<Proposal> Finish(Proposal proposal, const ExchangeSink& sink);
  // As Finish, for a proposal that is refused by this rule.
  Result<Proposal> Refuse(Proposal proposal, const std::string& rule, const std::string& reason,
                          const ExchangeSink& sink);

 private:
  const uint64_t seed_;
  Exchange exchange_;
  ChatModel* answered_by_ = nullptr;
  std::string model_;
  bool paid_ = false;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_CONVERSATION_H_
