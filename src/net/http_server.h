// An HTTP/1.1 server: connections, limits and time-outs; what is answered is the handler's affair.
#ifndef KS_NET_HTTP_SERVER_H_
#define KS_NET_HTTP_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http.h"

namespace ks {

// One request and the way back to its client. Thread-safe; may be kept and answered later from any
// thread. One that is dropped unanswered answers 500.
class HttpExchange {
 public:
  virtual ~HttpExchange() = default;
  virtual const HttpRequest& request() const = 0;
  // The answer. Only the first of Reply and BeginStream counts.
  virtual void Reply(HttpResponse response) = 0;
  // An answer of unknown length. `head.body` is ignored.
  virtual void BeginStream(HttpResponse head) = 0;
  // False: the client is gone, or so slow that more than 1 MiB waits for it (it is cut off then).
  virtual bool Write(std::string bytes) = 0;
  virtual void EndStream() = 0;
  // `action` runs once on a server thread after `seconds`, unless the exchange ended before.
  virtual void After(double seconds, std::function<void()> action) = 0;
  // `action` runs once on a server thread when the client goes away before the answer was sent.
  virtual void OnGone(std::function<void()> action) = 0;
};

struct HttpServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  HttpLimits limits;
  size_t max_connections = 1024;  // beyond it: 503
  double request_timeout_s = 30;  // from the first wait for a request to its last header byte
  double body_timeout_s = 60;     // for the body
  double write_timeout_s = 30;    // for an answer
  int threads = 2;
};

struct HttpServerHooks {
  // Looks at a request whose body was not read yet; an answer refuses it. Called on server threads.
  std::function<std::optional<HttpResponse>(const HttpRequest& head)> admit;
  // Called on server threads; must not block for long.
  std::function<void(std::shared_ptr<HttpExchange> exchange)> handle;
  // The body of an answer that the server itself gives: malformed (400), too large (413, 431),
  // overloaded (503), dropped (500).
  std::function<HttpResponse(int status, const std::string& message)> error;
};

// Thread-safe. The destructor stops at once.
class HttpServer {
 public:
  // Listens when it returns. ERRORS: kInvalidArgument (no such address), kFailedPrecondition (port
  // in use or not allowed).
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                   HttpServerHooks hooks);
  virtual ~HttpServer() = default;
  virtual uint16_t port() const = 0;
  // Takes no new connection, lets the open exchanges end, at most `grace_s`; then cuts them off.
  virtual void Stop(double grace_s) = 0;
  virtual size_t connections() const = 0;
};

}  // namespace ks

#endif  // KS_NET_HTTP_SERVER_H_
