#include "net/http_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "net/http_server.h"
#include "tests/net/raw_client.h"

namespace ks {
namespace {

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    HttpServerHooks hooks;
    hooks.admit = [](const HttpRequest&) { return std::nullopt; };
    hooks.error = [](int status, const std::string& message) {
      return HttpResponse{status, "text/plain", message, {}};
    };
    hooks.handle = [this](std::shared_ptr<HttpExchange> exchange) {
      const HttpRequest& request = exchange->request();
      if (request.path == "/base/never") {
        const std::lock_guard lock(mutex_);
        kept_.push_back(std::move(exchange));
        return;
      }
      const bool large = request.path == "/base/large";
      exchange->Reply({request.path == "/base/missing" ? 404 : 200,
                       "text/plain",
                       large ? std::string(100000, 'x') : request.method + request.body,
                       {{"X-Path", request.path},
                        {"X-Token", std::string(FindHeader(request.headers, "Authorization"))}}});
    };
    auto server = HttpServer::Start({}, std::move(hooks));
    ASSERT_TRUE(server.ok());
    server_ = *std::move(server);
  }
  void TearDown() override {
    kept_.clear();
    server_.reset();
  }
  std::unique_ptr<HttpClient> Client(const HttpClientOptions& options = {}) {
    return *HttpClient::Create("http://localhost:" + std::to_string(server_->port()) + "/base",
                               options);
  }

  std::mutex mutex_;
  std::vector<std::shared_ptr<HttpExchange>> kept_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(ClientTest, SendsAndReceives) {
  auto client = Client();
  const HttpCall call{.method = "POST",
                      .target = "/x",
                      .headers = {{"Authorization", "Bearer t"}},
                      .body = "hello"};
  for (int i = 0; i < 3; ++i) {
    const Result<HttpResponse> response = client->Send(call, {});
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POSThello");
    EXPECT_EQ(FindHeader(response->headers, "x-path"), "/base/x");
    EXPECT_EQ(FindHeader(response->headers, "x-token"), "Bearer t");
  }
  EXPECT_EQ(server_->connections(), 1u) << "the connection is kept";
  EXPECT_EQ(client->Send({.target = "/missing"}, {})->status, 404);
}

TEST_F(ClientTest, SendsAgainWhenAKeptConnectionIsClosed) {
  auto client = Client();
  ASSERT_TRUE(client->Send({.target = "/a"}, {}).ok());
  HttpServerOptions same;
  same.port = server_->port();
  HttpServerHooks hooks;
  hooks.admit = [](const HttpRequest&) { return std::nullopt; };
  hooks.handle = [](const std::shared_ptr<HttpExchange>& e) { e->Reply({200, "", "new", {}}); };
  hooks.error = [](int status, const std::string&) { return HttpResponse{status, "", "", {}}; };
  server_->Stop(0);
  server_.reset();
  auto second = HttpServer::Start(same, std::move(hooks));
  ASSERT_TRUE(second.ok()) << second.error().message;
  const Result<HttpResponse> response = client->Send({.target = "/b"}, {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->body, "new");
}

TEST_F(ClientTest, NobodyThereIsUnavailable) {
  const uint16_t port = server_->port();
  server_.reset();
  auto client = *HttpClient::Create("http://127.0.0.1:" + std::to_string(port), {});
  const Result<HttpResponse> response = client->Send({}, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(response.error().message.find(std::to_string(port)), std::string::npos);
}

TEST_F(ClientTest, GivesUpAtItsDeadlineAndAtAStop) {
  auto client = Client();
  const auto begin = std::chrono::steady_clock::now();
  const Result<HttpResponse> late = client->Send({.target = "/never", .timeout_s = 0.1}, {});
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(late.error().message.find("in time"), std::string::npos);
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(client->Send({.target = "/never"}, stop.get_token()).error().code,
            ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST_F(ClientTest, RefusesAnAnswerThatIsTooLarge) {
  auto client = Client({.max_body_bytes = 1000});
  EXPECT_EQ(client->Send({.target = "/large"}, {}).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(Client()->Send({.target = "/large"}, {})->body.size(), 100000u);
}

TEST_F(ClientTest, HandsABodyOverInPiecesAndStopsWhenToldTo) {
  auto client = Client();
  size_t bytes = 0;
  HttpCall call{.target = "/large"};
  call.on_body = [&](std::string_view piece) {
    bytes += piece.size();
    return true;
  };
  const Result<HttpResponse> whole = client->Send(call, {});
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(bytes, 100000u);
  EXPECT_EQ(whole->body, "");
  int pieces = 0;
  call.on_body = [&](std::string_view) { return ++pieces < 1; };
  EXPECT_TRUE(client->Send(call, {}).ok());
  EXPECT_EQ(pieces, 1);
}

TEST_F(ClientTest, ConcurrentCallsUseConnectionsOfTheirOwn) {
  auto client = Client();
  std::atomic<int> fine = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) fine += client->Send({.target = "/a"}, {}).ok() ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(fine, 160);
}

TEST_F(ClientTest, AServerThatSpeaksNoTlsIsNotTrusted) {
  auto client = *HttpClient::Create("https://127.0.0.1:" + std::to_string(server_->port()), {});
  const Result<HttpResponse> response = client->Send({.timeout_s = 10}, {});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kFailedPrecondition) << response.error().message;
}

TEST(HttpClientCreate, RefusesCertificatesThatAreNone) {
  EXPECT_EQ(HttpClient::Create("https://x", {.ca_file = "/nowhere.pem"}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(HttpClient::Create("nonsense", {}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace ks
