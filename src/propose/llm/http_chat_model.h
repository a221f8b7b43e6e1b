// A model behind an OpenAI-compatible server.
#ifndef KS_PROPOSE_LLM_HTTP_CHAT_MODEL_H_
#define KS_PROPOSE_LLM_HTTP_CHAT_MODEL_H_

#include <functional>
#include <memory>
#include <string>

#include "core/llm_config.h"
#include "propose/llm/budget.h"
#include "propose/llm/chat.h"

namespace ks {

// What does not belong into a record.
struct ChatAccess {
  std::string key;    // empty: none is sent
  std::string proxy;  // empty: none
  std::string ca_file;
};

// ERRORS: kInvalidArgument (a key that no header can carry); does not repeat it.
Status CheckKey(const ChatAccess& access);

// Waits; false when `stop` came first.
using WaitFunction = std::function<bool(double seconds, std::stop_token stop)>;
bool WaitSeconds(double seconds, std::stop_token stop);

// Seconds that a Retry-After header asks for (a number, or an HTTP date against `now_unix_s`), or
// -1.
double RetryAfterSeconds(std::string_view value, int64_t now_unix_s);

// ERRORS: kInvalidArgument (address, `extra`, proxy, certificates, a key with blanks). `budget`
// outlives the model.
//
// A request is tried again after no connection, a broken answer, 408, 409, 425, 429 and 5xx: first
// after retry_wait_s, then twice as long each time, times a draw from [0.5, 1], or as long as
// Retry-After says. The key is sent in a header and kept nowhere else; where a server repeats it in
// a message or an answer, it is blotted out.
Result<std::unique_ptr<ChatModel>> NewHttpChatModel(const ModelConfig& model, const LlmConfig& llm,
                                                    const ChatAccess& access, Budget& budget,
                                                    WaitFunction wait = WaitSeconds);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_HTTP_CHAT_MODEL_H_
