// HTTP as values: requests, responses, targets and addresses. No sockets here.
#ifndef KS_NET_HTTP_H_
#define KS_NET_HTTP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ks {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The value of the first header of this name (any case), or empty.
std::string_view FindHeader(const HttpHeaders& headers, std::string_view name);

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // as sent: "/v1/x?wait=5"
  std::string path;    // decoded, without the query: "/v1/x"
  std::map<std::string, std::string> query;
  HttpHeaders headers;
  std::string body;
  std::string peer;  // address of the other side, without the port
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  HttpHeaders headers;  // beside Content-Type and Content-Length
};

struct HttpTarget {
  std::string path;
  std::map<std::string, std::string> query;  // of a repeated name the last value
};

// Path and query with percent codes decoded, "+" in the query as a space. ERRORS: kInvalidArgument:
// no leading '/', a bad percent code, a control character, more than 64 parameters.
Result<HttpTarget> ParseTarget(std::string_view target);

struct HttpUrl {
  bool tls = false;
  std::string host;
  uint16_t port = 80;
  std::string base;  // path without a '/' at its end; may be empty
};
// "http://host:port/base" and https; IPv6 hosts in brackets. ERRORS: kInvalidArgument.
Result<HttpUrl> ParseUrl(std::string_view url);

struct HttpProxy {
  std::string host;
  uint16_t port = 80;
  std::string authorization;  // value of Proxy-Authorization, or empty
};
// "http://[user:password@]host:port"; the scheme may be missing. ERRORS: kInvalidArgument, without
// the user and the password.
Result<HttpProxy> ParseProxy(std::string_view url);

// True when `host` is in a NO_PROXY list: names (their sub-domains too), addresses, "*", separated
// by commas. Loopback addresses never need a proxy.
bool BypassesProxy(std::string_view no_proxy, std::string_view host);

// What a server refuses to read more of.
struct HttpLimits {
  size_t header_bytes = 16u << 10;
  size_t body_bytes = 16u << 20;
};

// One whole request as bytes on the wire, as the server reads it (http_server.cc); for tests and
// fuzzing. ERRORS: kInvalidArgument (malformed), kResourceExhausted (over a limit), kUnavailable
// (not complete).
Result<HttpRequest> ParseHttpRequest(std::string_view bytes, const HttpLimits& limits);

// True for addresses that only this machine reaches: 127.0.0.0/8, ::1 and "localhost".
bool IsLoopback(std::string_view address);

// Equal contents, in a time that does not depend on where they differ.
bool SameSecret(std::string_view a, std::string_view b);

}  // namespace ks

#endif  // KS_NET_HTTP_H_
