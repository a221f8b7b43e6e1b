#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <thread>

#include "net/http_client.h"
#include "tests/net/raw_client.h"

namespace ks {
namespace {

// Answers with what was asked for; "/later" is kept until Release(), "/stream" streams.
class ServerTest : public testing::Test {
 protected:
  void Start() {
    HttpServerHooks hooks;
    hooks.admit = [](const HttpRequest& head) -> std::optional<HttpResponse> {
      if (head.path == "/forbidden") return HttpResponse{401, "text/plain", "no", {}};
      return std::nullopt;
    };
    hooks.handle = [this](std::shared_ptr<HttpExchange> exchange) { Handle(std::move(exchange)); };
    hooks.error = [](int status, const std::string& message) {
      return HttpResponse{status, "text/plain", message, {}};
    };
    auto server = HttpServer::Start(options_, std::move(hooks));
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = *std::move(server);
  }
  void Handle(std::shared_ptr<HttpExchange> exchange) {
    const HttpRequest& request = exchange->request();
    if (request.path == "/later") {
      exchange->OnGone([this] { ++gone_; });
      const std::lock_guard lock(mutex_);
      kept_.push_back(std::move(exchange));
    } else if (request.path == "/dropped") {
      return;
    } else if (request.path == "/throws") {
      throw std::runtime_error("a bug");
    } else if (request.path == "/flood") {
      exchange->BeginStream({200, "text/plain", "", {}});
      flood_ = std::jthread([exchange] {
        while (exchange->Write(std::string(100000, 'x'))) std::this_thread::yield();
      });
      exchange->OnGone([this] { ++gone_; });
    } else if (request.path == "/stream") {
      exchange->BeginStream({200, "text/plain", "", {}});
      exchange->Write("one ");
      exchange->Write("two");
      exchange->EndStream();
    } else {
      exchange->Reply(
          {200,
           "text/plain",
           request.method + " " + request.path + " " + std::to_string(request.body.size()),
           {}});
    }
  }
  void TearDown() override {
    kept_.clear();
    if (server_ != nullptr) server_->Stop(0);
    flood_ = {};
    server_.reset();
  }
  static std::string StatusLine(const std::string& text) { return text.substr(0, text.find('\r')); }
  template <typename F>
  static bool Eventually(F condition) {
    for (int i = 0; i < 4000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return condition();
  }
  static int64_t ResidentKib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
      if (line.rfind("VmRSS:", 0) == 0) return std::stoll(line.substr(6));
    }
    return 0;
  }

  HttpServerOptions options_;
  std::unique_ptr<HttpServer> server_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<HttpExchange>> kept_;
  std::atomic<int> gone_ = 0;
  std::jthread flood_;
};

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
  Start();
  RawClient client(server_->port());
  client.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(client.ReadUntil("GET /a 0").find("HTTP/1.1 200 OK"), std::string::npos);
  client.Send("POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\n\r\n");
  const std::string both = client.ReadUntil("GET /c 0");
  EXPECT_NE(both.find("POST /b 3"), std::string::npos) << "requests sent ahead are answered too";
}

TEST_F(ServerTest, MalformedRequestsGet400AndTheConnectionEnds) {
  Start();
  for (const char* bad :
       {"GARBAGE\r\n\r\n", "GET nopath HTTP/1.1\r\n\r\n", "GET /%zz HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nbad header\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"}) {
    RawClient client(server_->port());
    client.Send(bad);
    const std::string answer = client.ReadAll();
    EXPECT_EQ(StatusLine(answer), "HTTP/1.1 400 Bad Request") << bad;
  }
}

TEST_F(ServerTest, AHeaderWithoutEndIsCutAndTakesNoMemory) {
  Start();
  RawClient client(server_->port());
  client.Send("GET / HTTP/1.1\r\nX: ");
  const int64_t before_kib = ResidentKib();
  const std::string block(1 << 20, 'a');
  bool open = true;
  for (int i = 0; i < 64 && open; ++i) open = client.Send(block);
  EXPECT_FALSE(open) << "64 MiB of header were taken";
  EXPECT_LT(ResidentKib() - before_kib, 8 << 10);
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerTest, AHeaderOverTheLimitGets431) {
  options_.limits.header_bytes = 1024;
  Start();
  RawClient client(server_->port());
  client.Send("GET / HTTP/1.1\r\nX: " + std::string(3000, 'a'));
  EXPECT_EQ(StatusLine(client.ReadAll()), "HTTP/1.1 431 Request Header Fields Too Large");
}

TEST_F(ServerTest, ABodyOverTheLimitGets413BeforeItIsRead) {
  options_.limits.body_bytes = 1000;
  Start();
  RawClient client(server_->port());
  client.Send("POST / HTTP/1.1\r\nContent-Length: 5000000000\r\n\r\n");
  EXPECT_EQ(StatusLine(client.ReadAll()), "HTTP/1.1 413 Payload Too Large");
  RawClient chunked(server_->port());
  chunked.Send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" +
               std::string(0x800, 'x') + "\r\n");
  EXPECT_EQ(StatusLine(chunked.ReadAll()), "HTTP/1.1 413 Payload Too Large");
}

TEST_F(ServerTest, RefusesByTheHeadBeforeTheBodyComes) {
  Start();
  RawClient client(server_->port());
  client.Send("POST /forbidden HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(StatusLine(client.ReadUntil("no")), "HTTP/1.1 401 Unauthorized");
}

TEST_F(ServerTest, AsksForABodyThatWaitsForIt) {
  Start();
  RawClient client(server_->port());
  client.Send("POST /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(StatusLine(client.ReadUntil("\r\n\r\n")), "HTTP/1.1 100 Continue");
  client.Send("ab");
  EXPECT_NE(client.ReadUntil("POST /a 2").find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, ASlowDripIsCutAtTheDeadline) {
  options_.request_timeout_s = 0.3;
  options_.body_timeout_s = 0.3;
  Start();
  for (const char* start : {"", "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"}) {
    RawClient client(server_->port());
    client.Send(start);
    const auto begin = std::chrono::steady_clock::now();
    while (client.Send("G") && !client.Closed(0.02)) {
      ASSERT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
    }
  }
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(ServerTest, TellsWhenAClientGoesAway) {
  Start();
  {
    RawClient client(server_->port());
    client.Send("GET /later HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(Eventually([&] {
      const std::lock_guard lock(mutex_);
      return kept_.size() == 1;
    }));
  }
  EXPECT_TRUE(Eventually([&] { return gone_ == 1; }));
  kept_[0]->Reply({200, "text/plain", "too late", {}});  // does nothing
}

TEST_F(ServerTest, DroppedAndFailedRequestsGet500) {
  Start();
  for (const char* path : {"/dropped", "/throws"}) {
    RawClient client(server_->port());
    client.Send(std::string("GET ") + path + " HTTP/1.1\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(StatusLine(client.ReadAll()), "HTTP/1.1 500 Internal Server Error");
  }
}

TEST_F(ServerTest, StreamsInChunksOrUntilTheEndForOldClients) {
  Start();
  RawClient client(server_->port());
  client.Send("GET /stream HTTP/1.1\r\n\r\n");
  EXPECT_NE(client.ReadUntil("0\r\n\r\n").find("\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"),
            std::string::npos);
  RawClient old(server_->port());
  old.Send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string text = old.ReadAll();
  EXPECT_EQ(text.substr(text.size() - 11), "\r\n\r\none two");
}

TEST_F(ServerTest, AClientThatDoesNotReadItsStreamIsCutOff) {
  Start();
  RawClient client(server_->port());
  client.Send("GET /flood HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(Eventually([&] { return gone_ == 1; }));
}

TEST_F(ServerTest, ConnectionsBeyondTheLimitGet503) {
  options_.max_connections = 2;
  Start();
  RawClient one(server_->port());
  RawClient two(server_->port());
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 2; }));
  RawClient three(server_->port());
  EXPECT_EQ(StatusLine(three.ReadAll()), "HTTP/1.1 503 Service Unavailable");
}

TEST_F(ServerTest, SaysThatThePortIsInUse) {
  Start();
  HttpServerOptions same;
  same.port = server_->port();
  const auto second = HttpServer::Start(same, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
  HttpServerOptions nonsense;
  nonsense.address = "not an address";
  EXPECT_EQ(HttpServer::Start(nonsense, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ServerTest, AStopLetsOpenExchangesEnd) {
  Start();
  RawClient idle(server_->port());
  RawClient client(server_->port());
  client.Send("GET /later HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex_);
    return kept_.size() == 1;
  }));
  std::thread stop([&] { server_->Stop(20); });
  EXPECT_TRUE(idle.Closed());
  kept_[0]->Reply({200, "text/plain", "done", {}});
  kept_.clear();
  const std::string text = client.ReadAll();
  EXPECT_NE(text.find("Connection: close"), std::string::npos);
  EXPECT_EQ(text.substr(text.size() - 4), "done");
  stop.join();
}

}  // namespace
}  // namespace ks
