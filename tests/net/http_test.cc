#include "net/http.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(ParseTarget, DecodesPathAndQuery) {
  const Result<HttpTarget> target = ParseTarget("/v1/a%20b?wait=2.5&x=%26+y&flag&wait=3");
  ASSERT_TRUE(target.ok());
  EXPECT_EQ(target->path, "/v1/a b");
  EXPECT_EQ(target->query,
            (std::map<std::string, std::string>{{"wait", "3"}, {"x", "& y"}, {"flag", ""}}));
  EXPECT_EQ(ParseTarget("/a+b#c?d=e")->path, "/a+b");
}

TEST(ParseTarget, RefusesWhatIsNoPath) {
  for (const char* bad :
       {"", "health", "http://x/", "/%", "/%4", "/%zz", "/%00", "/a%0ab", "/?x=%1f", "*"}) {
    EXPECT_FALSE(ParseTarget(bad).ok()) << bad;
  }
  std::string many = "/?";
  for (int i = 0; i < 100; ++i) many += "a" + std::to_string(i) + "=1&";
  EXPECT_FALSE(ParseTarget(many).ok());
}

TEST(ParseUrl, ReadsHostPortAndBase) {
  const Result<HttpUrl> url = ParseUrl("http://gpu-box:8470/kernels/");
  ASSERT_TRUE(url.ok());
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "gpu-box");
  EXPECT_EQ(url->port, 8470);
  EXPECT_EQ(url->base, "/kernels");
  EXPECT_EQ(ParseUrl("https://example.org")->port, 443);
  EXPECT_TRUE(ParseUrl("https://example.org")->tls);
  EXPECT_EQ(ParseUrl("http://[::1]:9")->host, "::1");
  EXPECT_EQ(ParseUrl("http://[::1]:9")->port, 9);
}

TEST(ParseUrl, SaysWhatIsWrong) {
  for (const char* bad :
       {"", "localhost:80", "ftp://x", "http://", "http://x:0", "http://x:70000", "http://x:1a",
        "http://u:p@x", "http://x/?q", "http://[::1", "http://x y", "http://[::1]9"}) {
    const Result<HttpUrl> url = ParseUrl(bad);
    ASSERT_FALSE(url.ok()) << bad;
    EXPECT_EQ(url.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(url.error().message.find("expected http://host:port"), std::string::npos);
  }
}

TEST(IsLoopback, KnowsThisMachine) {
  for (const char* own : {"127.0.0.1", "127.8.8.8", "::1", "localhost"}) {
    EXPECT_TRUE(IsLoopback(own)) << own;
  }
  for (const char* other : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "localhost.evil"}) {
    EXPECT_FALSE(IsLoopback(other)) << other;
  }
}

TEST(SameSecret, ComparesContents) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  EXPECT_TRUE(SameSecret("", ""));
  for (const char* other : {"", "ab", "abcd", "abd", "abcabc"}) {
    EXPECT_FALSE(SameSecret(other, "abc")) << other;
    EXPECT_FALSE(SameSecret("abc", other)) << other;
  }
}

TEST(ParseHttpRequest, ReadsAWholeRequest) {
  const Result<HttpRequest> request = ParseHttpRequest(
      "POST /v1/x?wait=1 HTTP/1.1\r\nHost: h\r\nX-Thing: 7\r\nContent-Length: 3\r\n\r\nabc", {});
  ASSERT_TRUE(request.ok()) << request.error().message;
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->path, "/v1/x");
  EXPECT_EQ(request->query.at("wait"), "1");
  EXPECT_EQ(FindHeader(request->headers, "x-thing"), "7");
  EXPECT_EQ(request->body, "abc");
}

TEST(ParseHttpRequest, TellsMalformedFromTooLargeFromUnfinished) {
  const HttpLimits limits{.header_bytes = 200, .body_bytes = 10};
  const auto code = [&](const std::string& bytes) {
    const Result<HttpRequest> request = ParseHttpRequest(bytes, limits);
    return request.ok() ? ErrorCode::kCancelled : request.error().code;
  };
  EXPECT_EQ(code("GARBAGE\r\n\r\n"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("GET / HTTP/9.9\r\n\r\n"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("GET / HTTP/1.1\r\nno colon\r\n\r\n"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("GET nopath HTTP/1.1\r\n\r\n"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("GET / HTTP/1.1\r\nX: " + std::string(300, 'a')), ErrorCode::kResourceExhausted);
  EXPECT_EQ(code("POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n"), ErrorCode::kResourceExhausted);
  EXPECT_EQ(code("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"), ErrorCode::kUnavailable);
  EXPECT_EQ(code("GET / HT"), ErrorCode::kUnavailable);
  EXPECT_EQ(code(""), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace ks
