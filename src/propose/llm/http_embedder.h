// Embeddings from an OpenAI-compatible server: POST /v1/embeddings.
#ifndef KS_PROPOSE_LLM_HTTP_EMBEDDER_H_
#define KS_PROPOSE_LLM_HTTP_EMBEDDER_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/config.h"
#include "core/embedder.h"
#include "propose/llm/http_chat_model.h"

namespace ks {

// The vector in a server's answer. ERRORS: kUnavailable (not the protocol, no vector, a number that
// is none).
Result<Embedding> EmbeddingFromJson(std::string_view json);

// After this many questions in a row without an answer no other is asked: a dead server must not
// cost a time-out at every step.
inline constexpr int kMostSilentQuestions = 3;

// The key is sent in a header and kept nowhere else; where a server repeats it, it is blotted out.
// `warn` is called once, with the first thing that went wrong. ERRORS: kInvalidArgument (address,
// proxy, certificates, a key with blanks).
Result<std::unique_ptr<Embedder>> NewHttpEmbedder(const NoveltyConfig& config,
                                                  const ChatAccess& access,
                                                  std::function<void(const std::string&)> warn,
                                                  std::stop_token stop);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_HTTP_EMBEDDER_H_
