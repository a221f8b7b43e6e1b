#include "propose/llm/conversation.h"

#include <utility>

#include "base/check.h"
#include "base/rng.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxEvidenceBytes = 2000;

}  // namespace

Result<ChatAnswer> Conversation::Ask(const std::string& purpose,
                                     const std::vector<ChatModel*>& models,
                                     const std::vector<ChatMessage>& messages,
                                     std::stop_token stop) {
  KS_CHECK(!models.empty());
  Result<ChatAnswer> answer = ChatAnswer();
  for (ChatModel* model : models) {
    ChatRequest request;
    request.messages = messages;
    request.step = exchange_.step;
    request.call = static_cast<int>(exchange_.calls.size());
    request.seed = DeriveSeed(seed_, "ask", exchange_.calls.size());
    answer = model->Ask(request, stop);
    ExchangeCall call{purpose, model->name(), messages, request.seed, {}, "", ""};
    if (answer.ok()) {
      call.answer = *answer;
    } else {
      call.error_code = ErrorCodeName(answer.error().code);
      call.error = answer.error().message;
    }
    exchange_.calls.push_back(std::move(call));
    answered_by_ = model;
    model_ = model->name();
    paid_ = paid_ || answer.ok();
    if (answer.ok() || answer.error().code != ErrorCode::kUnavailable) return answer;
  }
  return answer;
}

Result<Proposal> Conversation::Finish(Proposal proposal, const ExchangeSink& sink) {
  for (const ExchangeCall& call : exchange_.calls) {
    proposal.cost_usd += call.answer.cost_usd;
    proposal.prompt_tokens += call.answer.use.prompt;
    proposal.answer_tokens += call.answer.use.answer;
  }
  proposal.model = model_;
  if (proposal.skill.empty()) proposal.skill = model_;
  if (!exchange_.calls.empty() && sink) {
    KS_ASSIGN_OR_RETURN(proposal.exchange, sink(ExchangeToJson(exchange_)));
  }
  return proposal;
}

Result<Proposal> Conversation::Refuse(Proposal proposal, const std::string& rule,
                                      const std::string& reason, const ExchangeSink& sink) {
  exchange_.rule = rule;
  exchange_.reason = reason;
  proposal.refused = Rejected{rule, Shorten(reason, kMaxEvidenceBytes)};
  return Finish(std::move(proposal), sink);
}

}  // namespace ks
