// The client through a proxy, and its time-outs at every phase of a call.
#include <gtest/gtest.h>

#include <string>

#include "net/http_client.h"
#include "tests/net/raw_server.h"

namespace ks {
namespace {

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

std::string Local(const RawServer& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

TEST(HttpClientProxy, AsksTheProxyForTheWholeAddressAndNamesItself) {
  std::string seen;
  RawServer proxy([&](int fd) {
    seen = RawServer::ReadUntil(fd, "\r\n\r\n");
    RawServer::Say(fd, kOk);
  });
  HttpClientOptions options;
  options.proxy = "http://ann:se%3Acret@127.0.0.1:" + std::to_string(proxy.port());
  auto client = *HttpClient::Create("http://model.example:8000/v1", options);
  const Result<HttpResponse> response = client->Send({.target = "/models", .timeout_s = 10}, {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(seen.rfind("GET http://model.example:8000/v1/models HTTP/1.1\r\n", 0), 0u) << seen;
  EXPECT_NE(seen.find("Proxy-Authorization: Basic YW5uOnNlOmNyZXQ=\r\n"), seen.npos) << seen;
}

TEST(HttpClientProxy, OpensATunnelForHttpsAndSpeaksTlsInsideIt) {
  std::string asked;
  std::string inside;
  RawServer proxy([&](int fd) {
    asked = RawServer::ReadUntil(fd, "\r\n\r\n");
    RawServer::Say(fd, "HTTP/1.1 200 Connection established\r\n\r\n");
    inside = RawServer::ReadUntil(fd, "model.example");  // the name in the client's TLS hello
  });
  HttpClientOptions options;
  options.proxy = "127.0.0.1:" + std::to_string(proxy.port());
  auto client = *HttpClient::Create("https://model.example/v1", options);
  EXPECT_FALSE(client->Send({.target = "/models", .timeout_s = 10}, {}).ok());
  EXPECT_EQ(asked.rfind("CONNECT model.example:443 HTTP/1.1\r\n", 0), 0u) << asked;
  EXPECT_EQ(inside.substr(0, 1), "\x16") << "a TLS handshake record";
}

TEST(HttpClientProxy, AProxyThatRefusesIsAnErrorThatSaysSo) {
  RawServer proxy([](int fd) {
    RawServer::ReadUntil(fd, "\r\n\r\n");
    RawServer::Say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  });
  HttpClientOptions options;
  options.proxy = Local(proxy);
  auto client = *HttpClient::Create("https://model.example/v1", options);
  const Result<HttpResponse> response = client->Send({.timeout_s = 10}, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(response.error().message.find("407"), std::string::npos) << response.error().message;
}

TEST(HttpClientProxy, RefusesAnAddressThatIsNoneWithoutRepeatingThePassword) {
  for (const char* bad : {"https://ann:secret@proxy:1", "http://ann:secret@:9",
                          "ann:secret@p:99999", "http://ann:secret@proxy/path"}) {
    const auto client = HttpClient::Create("http://x", {.proxy = bad});
    ASSERT_FALSE(client.ok()) << bad;
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(client.error().message.find("secret"), std::string::npos) << client.error().message;
  }
}

TEST(NoProxy, MatchesNamesTheirSubdomainsAndLoopback) {
  EXPECT_TRUE(BypassesProxy("", "127.0.0.1"));
  EXPECT_TRUE(BypassesProxy("*", "model.example"));
  EXPECT_TRUE(BypassesProxy("a.b, Model.Example", "model.example"));
  EXPECT_TRUE(BypassesProxy(".example", "model.example"));
  EXPECT_TRUE(BypassesProxy("example", "model.example"));
  EXPECT_FALSE(BypassesProxy("ample", "model.example"));
  EXPECT_FALSE(BypassesProxy("", "model.example"));
}

TEST(HttpClientPhases, GivesUpWhenTheFirstByteDoesNotCome) {
  RawServer server([](int fd) { RawServer::ReadUntil(fd, "never"); });
  auto client = *HttpClient::Create(Local(server), {});
  const Result<HttpResponse> response =
      client->Send({.timeout_s = 60, .first_byte_timeout_s = 0.05}, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(response.error().message.find("in time"), std::string::npos);
}

TEST(HttpClientPhases, GivesUpWhenAnAnswerStopsBetweenTwoPieces) {
  RawServer server([](int fd) {
    RawServer::ReadUntil(fd, "\r\n\r\n");
    RawServer::Say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    RawServer::ReadUntil(fd, "never");
  });
  auto client = *HttpClient::Create(Local(server), {});
  std::string body;
  HttpCall call{.timeout_s = 60, .first_byte_timeout_s = 30, .idle_timeout_s = 0.05};
  call.on_body = [&](std::string_view piece) {
    body += piece;
    return true;
  };
  const Result<HttpResponse> response = client->Send(call, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(body, "half");
}

TEST(HttpClientPhases, DoesNotSendAgainWhatWasLateOnAKeptConnection) {
  int requests = 0;
  RawServer server([&](int fd) {
    while (!RawServer::ReadUntil(fd, "\r\n\r\n").empty()) {
      if (++requests == 1) RawServer::Say(fd, kOk);
    }
  });
  auto client = *HttpClient::Create(Local(server), {});
  ASSERT_TRUE(client->Send({}, {}).ok());
  EXPECT_FALSE(client->Send({.timeout_s = 60, .first_byte_timeout_s = 0.05}, {}).ok());
  client.reset();
  EXPECT_EQ(requests, 2);
}

}  // namespace
}  // namespace ks
