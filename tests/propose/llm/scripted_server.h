// An OpenAI-compatible server in this process that plays a script: answers, refusals, half streams.
#ifndef KS_TESTS_PROPOSE_LLM_SCRIPTED_SERVER_H_
#define KS_TESTS_PROPOSE_LLM_SCRIPTED_SERVER_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/http_server.h"

namespace ks {

// What is answered to one request.
struct ScriptedReply {
  int status = 200;
  std::string text;       // of the model, streamed in pieces of 16 bytes
  std::string body;       // of a refusal, or with `raw` of the stream
  HttpHeaders headers;    // "Retry-After"
  bool raw = false;       // `body` is sent as it is, as an event stream
  bool document = false;  // one JSON document in place of a stream
  bool plain = false;     // `body` is sent as it is, as one JSON document
  bool usage = true;      // the tokens are told: 100 of the prompt, 7 of the answer
  std::string finish = "stop";
  bool half = false;    // the stream ends after the text, without an end of the answer
  bool stall = false;   // nothing more comes after the text
  bool silent = false;  // nothing comes at all
  double delay_s = 0;   // before the first byte
};

// Thread-safe. `script` is called on server threads, one request at a time, with its number from 0.
class ScriptedServer {
 public:
  using Script = std::function<ScriptedReply(const HttpRequest& request, int number)>;
  explicit ScriptedServer(Script script);
  // The replies in order; the last one again and again.
  explicit ScriptedServer(std::vector<ScriptedReply> replies);
  ~ScriptedServer();

  std::string url() const;  // "http://127.0.0.1:port/v1"
  std::vector<HttpRequest> requests() const;

 private:
  void Handle(std::shared_ptr<HttpExchange> exchange);

  const Script script_;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;                // guarded by mutex_
  std::vector<std::shared_ptr<HttpExchange>> kept_;  // guarded by mutex_
  std::unique_ptr<HttpServer> server_;
};

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_LLM_SCRIPTED_SERVER_H_
