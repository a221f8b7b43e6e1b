// The record of what was asked and answered for one proposal; a document of its own in the store,
// found by the hash that the proposal carries. Format: docs/llm.md. Holds no key: keys travel in a
// header, and what is recorded is the body.
#ifndef KS_PROPOSE_LLM_EXCHANGE_H_
#define KS_PROPOSE_LLM_EXCHANGE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "propose/llm/chat.h"

namespace ks {

struct ExchangeCall {
  std::string purpose;  // "improve", "repair", "retry", "select", ...
  std::string model;
  std::vector<ChatMessage> messages;
  uint64_t seed = 0;
  ChatAnswer answer;
  std::string error_code;  // ErrorCodeName, or empty
  std::string error;
};

struct Exchange {
  int64_t step = 0;
  std::string proposer;
  std::vector<ExchangeCall> calls;
  std::string rule;  // why there was no child, or empty
  std::string reason;
};

// Version 1; stable: equal exchanges, equal text.
std::string ExchangeToJson(const Exchange& exchange);
// ERRORS: kDataLoss.
Result<Exchange> ExchangeFromJson(const std::string& json);

// Where exchanges go; returns the hash. Thread-safe.
using ExchangeSink = std::function<Result<std::string>(const std::string& json)>;

// A model that answers from a record: request `call` of step `step`. Immutable and thread-safe.
class ReplayChatModel final : public ChatModel {
 public:
  using Record = std::map<int64_t, Exchange>;  // by step
  // `exact`: the request must be the recorded one, word for word.
  ReplayChatModel(std::string name, std::shared_ptr<const Record> record, bool exact)
      : name_(std::move(name)), record_(std::move(record)), exact_(exact) {}
  const std::string& name() const override { return name_; }
  // ERRORS: kNotFound (not in the record, or another request there); else the recorded error.
  Result<ChatAnswer> Ask(const ChatRequest& request, std::stop_token stop) override;

 private:
  const std::string name_;
  const std::shared_ptr<const Record> record_;
  const bool exact_;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_EXCHANGE_H_
