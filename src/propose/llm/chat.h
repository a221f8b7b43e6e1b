// A talk with a language model as values, and the port to whoever answers.
#ifndef KS_PROPOSE_LLM_CHAT_H_
#define KS_PROPOSE_LLM_CHAT_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace ks {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
  bool operator==(const ChatMessage&) const = default;
};

struct ChatRequest {
  std::vector<ChatMessage> messages;
  uint64_t seed = 0;  // of the server's sampling, where it takes one; and of waits between tries
  int64_t step = 0;   // of the run, and which of the step's requests: what a record is found by
  int call = 0;
};

// Where an answer ended.
enum class ChatEnd {
  kStop,      // the model was done
  kLength,    // at the limit of tokens
  kTooLarge,  // we stopped reading
  kOther,     // a filter, a tool call
};
const char* ChatEndName(ChatEnd end);

struct TokenUse {
  int64_t prompt = 0;
  int64_t answer = 0;      // reasoning included
  bool estimated = false;  // the server did not say
  bool operator==(const TokenUse&) const = default;
};

struct ChatAnswer {
  std::string text;       // valid UTF-8
  std::string reasoning;  // that the server kept apart
  ChatEnd end = ChatEnd::kStop;
  bool mended_utf8 = false;  // bytes that were not UTF-8 became U+FFFD
  TokenUse use;
  double cost_usd = 0;  // of all tries
  int tries = 1;
};

// Tokens of a text nobody counted: bytes / 3.5, rounded up. Source text measures 2.8 to 4 bytes a
// token with the usual vocabularies; a prompt is cut a little early rather than late.
int64_t EstimateTokens(size_t bytes);

// Thread-safe.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual const std::string& name() const = 0;
  // ERRORS: kUnavailable (the server is gone, after all tries), kResourceExhausted (a budget is
  // spent), kFailedPrecondition (key refused, no quota), kInvalidArgument (unknown model, request
  // refused), kCancelled after `stop`. No message holds a key.
  virtual Result<ChatAnswer> Ask(const ChatRequest& request, std::stop_token stop) = 0;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_CHAT_H_
