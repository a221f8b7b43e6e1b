// The OpenAI-compatible chat protocol: request bodies, answers whole and as event streams.
#ifndef KS_PROPOSE_LLM_CHAT_WIRE_H_
#define KS_PROPOSE_LLM_CHAT_WIRE_H_

#include <optional>
#include <string>
#include <string_view>

#include "core/llm_config.h"
#include "propose/llm/chat.h"

namespace ks {

// A model's sampling, defaults of [llm] filled in.
struct Sampling {
  double temperature = 0.6;
  double top_p = 0.95;
  int64_t max_tokens = 0;
  std::string extra;  // a JSON object or empty
};
Sampling SamplingOf(const ModelConfig& model, const LlmConfig& llm);

// ERRORS: kInvalidArgument (`extra` is no JSON object, or sets what is ours: messages, stream,
// model; or looks like a key).
Status CheckExtra(const std::string& extra);

// The JSON body of POST /chat/completions, streaming. REQUIRES: CheckExtra(sampling.extra).ok().
std::string ChatBody(const std::string& model, const Sampling& sampling,
                     const ChatRequest& request);

// `bytes` with everything that is not UTF-8 replaced by U+FFFD; `mended` is set when that happened.
std::string ValidUtf8(std::string_view bytes, bool& mended);

// What a server says about a refusal, for messages: the error's text in its JSON, or the start of
// the body. At most 300 bytes, one line.
std::string ServerMessage(std::string_view body);

// Reads an answer as it arrives: an event stream (data: {...}), or one JSON document. Single
// thread. Never fails on odd input: Finish says what was wrong.
class AnswerReader {
 public:
  explicit AnswerReader(size_t max_bytes) : max_bytes_(max_bytes) {}
  // False: enough was read (the end of the stream, an error event, or too much).
  bool Feed(std::string_view piece);
  // The answer so far. ERRORS: kUnavailable (broke off, not the protocol, a passing fault inside
  // the stream), kInvalidArgument (a lasting error inside the stream).
  Result<ChatAnswer> Finish();
  // Bytes of answer and reasoning so far, for an estimate of what a broken answer cost.
  size_t answer_bytes() const { return answer_.text.size() + answer_.reasoning.size(); }
  // Tokens that the server has counted so far; empty: it has not said.
  const std::optional<TokenUse>& usage() const { return usage_; }

 private:
  void TakeLine(std::string_view line);
  void TakeDocument(const std::string& json);

  const size_t max_bytes_;
  std::string pending_;  // an unfinished line, or the document
  bool started_ = false;
  bool is_document_ = false;
  bool done_ = false;
  bool ended_ = false;  // a finish reason or [DONE] came
  ChatAnswer answer_;
  std::optional<TokenUse> usage_;
  Status fault_;
};

}  // namespace ks

#endif  // KS_PROPOSE_LLM_CHAT_WIRE_H_
