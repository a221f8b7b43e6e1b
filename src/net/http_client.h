// An HTTP/1.1 client: one call at a time a connection, kept alive between calls.
#ifndef KS_NET_HTTP_CLIENT_H_
#define KS_NET_HTTP_CLIENT_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/http.h"

namespace ks {

struct HttpClientOptions {
  double connect_timeout_s = 10;  // name look-up, connection, proxy and TLS together
  size_t max_header_bytes = 64u << 10;
  size_t max_body_bytes = 256u << 20;
  std::string ca_file;  // https: certificates to trust beside the system's; empty: none
  std::string proxy;    // "http://[user:password@]host:port"; empty: none
  size_t max_idle_connections = 16;
};

struct HttpCall {
  std::string method = "GET";
  std::string target;  // appended to the base of the server's address: "/health"
  HttpHeaders headers;
  std::string body;
  double timeout_s = 30;            // from the call to the last byte of the answer
  double first_byte_timeout_s = 0;  // from the request sent to the answer's head; 0: no limit
  double idle_timeout_s = 0;        // without a byte of the answer; 0: no limit
  // May be sent again when a kept connection turns out to be closed.
  bool idempotent = true;
  // Takes the body of a 2xx answer piece by piece as it arrives (event streams); false ends the
  // call. Such a body is not in the result.
  std::function<bool(std::string_view piece)> on_body;
};

// Thread-safe: concurrent calls use connections of their own.
class HttpClient {
 public:
  // ERRORS: kInvalidArgument (the address).
  static Result<std::unique_ptr<HttpClient>> Create(std::string_view url,
                                                    const HttpClientOptions& options);
  virtual ~HttpClient() = default;
  // Every status is an answer. ERRORS: kUnavailable (no connection, cut off, too slow, malformed),
  // kFailedPrecondition (the certificate is not trusted), kResourceExhausted (answer too large),
  // kCancelled after `stop`.
  virtual Result<HttpResponse> Send(const HttpCall& call, std::stop_token stop) = 0;
  // "http://host:port"
  virtual const std::string& server() const = 0;
};

}  // namespace ks

#endif  // KS_NET_HTTP_CLIENT_H_
