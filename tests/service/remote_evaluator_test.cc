#include "service/remote_evaluator.h"

#include <filesystem>
#include <future>

#include "core/event.h"
#include "tests/service/http_fixture.h"

namespace ks {
namespace {

class Remote : public HttpFixture {
 protected:
  RemoteOptions Options() {
    RemoteOptions options;
    options.url = url_;
    options.give_up_s = 20;
    options.first_pause_s = 0.01;
    return options;
  }
  Result<std::unique_ptr<RemoteEvaluator>> Connect(const RemoteOptions& options) {
    return RemoteEvaluator::Connect(task_, {}, options, {});
  }
  std::unique_ptr<RemoteEvaluator> MustConnect() {
    auto evaluator = Connect(Options());
    EXPECT_TRUE(evaluator.ok()) << evaluator.error().message;
    return *std::move(evaluator);
  }
  static EvaluationRequest Request(const std::string& source) {
    EvaluationRequest request;
    request.source = source;
    return request;
  }
  // What another program answers on a port of its own.
  std::unique_ptr<HttpServer> Impostor(int status, const std::string& body) {
    HttpServerHooks hooks;
    hooks.admit = [](const HttpRequest&) { return std::nullopt; };
    hooks.error = [](int code, const std::string&) { return HttpResponse{code, "", "", {}}; };
    hooks.handle = [status, body](const std::shared_ptr<HttpExchange>& exchange) {
      exchange->Reply({status, "application/json", body, {}});
    };
    return *HttpServer::Start({}, std::move(hooks));
  }
  Task OwnTask() {
    Task task = *LibraryTask("softmax");
    task.name = "never_seen_there";
    task.hash = TaskHash(task);
    return task;
  }

  Task task_ = OwnTask();
};

TEST_F(Remote, JudgesATaskThatTheServiceHasNeverSeen) {
  Start();
  auto evaluator = MustConnect();
  EXPECT_EQ(evaluator->machine().cpu, "fake");
  EXPECT_EQ(evaluator->task().hash, task_.hash);
  const Result<Evaluation> good = evaluator->Evaluate(Request("good"), {});
  ASSERT_TRUE(good.ok()) << good.error().message;
  ASSERT_NE(AsMeasured(good->outcome), nullptr);
  EXPECT_EQ(AsMeasured(good->outcome)->speedup.mid, 2);
  const Result<Evaluation> wrong = evaluator->Evaluate(Request("wrong"), {});
  ASSERT_TRUE(wrong.ok());
  EXPECT_TRUE(std::holds_alternative<WrongResult>(wrong->outcome));
}

TEST_F(Remote, AsksWhetherABinaryWasSeenBeforeItIsChecked) {
  Start();
  auto evaluator = MustConnect();
  EvaluationRequest request = Request("good");
  std::string asked;
  request.seen_binary = [&](const std::string& hash) -> std::optional<CandidateId> {
    asked = hash;
    return CandidateId{7};
  };
  const Result<Evaluation> twin = evaluator->Evaluate(request, {});
  ASSERT_TRUE(twin.ok());
  EXPECT_EQ(std::get<DuplicateOf>(twin->outcome).id, 7);
  EXPECT_EQ(asked, Sha256Hex("good"));
  EXPECT_EQ(room_.checked("good"), 0);
  request.seen_binary = [](const std::string&) { return std::optional<CandidateId>(); };
  EXPECT_NE(AsMeasured(evaluator->Evaluate(request, {})->outcome), nullptr);
  EXPECT_EQ(room_.checked("good"), 1);
  request.source = "broken";
  request.seen_binary = [](const std::string&) -> std::optional<CandidateId> {
    ADD_FAILURE() << "there is no binary";
    return std::nullopt;
  };
  EXPECT_TRUE(std::holds_alternative<CompileFailed>(evaluator->Evaluate(request, {})->outcome));
}

TEST_F(Remote, FaultsOfTheServiceAreErrorsThatNameIt) {
  Start();
  const Result<Evaluation> fault = MustConnect()->Evaluate(Request("fault"), {});
  ASSERT_FALSE(fault.ok());
  EXPECT_EQ(fault.error().code, ErrorCode::kInternal);
  EXPECT_NE(fault.error().message.find("the sandbox went away"), std::string::npos);
  EXPECT_NE(fault.error().message.find(url_), std::string::npos);
}

TEST_F(Remote, SurvivesARestartOfTheService) {
  Start();
  auto evaluator = MustConnect();
  auto result = std::async([&] { return evaluator->Evaluate(Request("hold good"), {}); });
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  Stop();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  room_.Release();
  Start();
  const Result<Evaluation> evaluation = result.get();
  ASSERT_TRUE(evaluation.ok()) << evaluation.error().message;
  EXPECT_NE(AsMeasured(evaluation->outcome), nullptr);
  EXPECT_EQ(room_.timed()["hold good"], 1);
}

TEST_F(Remote, AsksAgainWhenTheServiceHasForgotten) {
  Start();
  auto evaluator = MustConnect();
  auto result = std::async([&] { return evaluator->Evaluate(Request("hold good"), {}); });
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  Stop();
  std::filesystem::remove_all(folder_.path());
  room_.Release();
  Start();
  EXPECT_TRUE(result.get().ok());
}

TEST_F(Remote, AsksAgainWhenSomebodyElseCancelled) {
  Start();
  auto evaluator = MustConnect();
  auto result = std::async([&] { return evaluator->Evaluate(Request("hold good"), {}); });
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  const std::string id = Submitted("other");  // only to have a status to look at
  ASSERT_FALSE(id.empty());
  Submission same;
  same.task_ref = task_.hash;
  same.request.source = "hold good";
  std::promise<std::string> found;
  service_->Submit({same}, [&](auto answer) { found.set_value(std::get<0>(answer)[0].id); });
  ASSERT_TRUE(service_->Cancel(found.get_future().get()).ok());
  ASSERT_TRUE(Eventually([&] { return room_.held() == 2; }));
  room_.Release();
  EXPECT_TRUE(result.get().ok());
}

TEST_F(Remote, WaitsForAFullQueue) {
  service_options_.queue_limit = 1;
  Start();
  auto evaluator = MustConnect();
  Submitted("hold a");
  auto result = std::async([&] { return evaluator->Evaluate(Request("good"), {}); });
  ASSERT_TRUE(Eventually([&] { return service_->stats().refused_full > 0; }));
  room_.Release();
  EXPECT_TRUE(result.get().ok());
}

TEST_F(Remote, AStopCancelsThere) {
  Start();
  auto evaluator = MustConnect();
  std::stop_source stop;
  auto result =
      std::async([&] { return evaluator->Evaluate(Request("hold good"), stop.get_token()); });
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  stop.request_stop();
  EXPECT_EQ(result.get().error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(Eventually([&] { return service_->stats().cancelled == 1; }));
}

TEST_F(Remote, SaysThatNobodyServesThere) {
  Start();
  const RemoteOptions options = Options();
  Stop();
  const auto evaluator = Connect(options);
  ASSERT_FALSE(evaluator.ok());
  EXPECT_EQ(evaluator.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(evaluator.error().message.find("ksmith serve"), std::string::npos);
}

TEST_F(Remote, SaysThatTheTokenIsWrongOrMissing) {
  api_options_.token = "0123456789abcdef";
  Start();
  RemoteOptions options = Options();
  for (const char* token : {"", "0123456789abcdeX"}) {
    options.token = token;
    const auto evaluator = Connect(options);
    ASSERT_FALSE(evaluator.ok());
    EXPECT_EQ(evaluator.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(evaluator.error().message.find("--token-file"), std::string::npos);
  }
  options.token = api_options_.token;
  EXPECT_TRUE(Connect(options).ok());
}

TEST_F(Remote, SaysWhenTheOtherSideIsAnotherVersionOrNoService) {
  Start();
  RemoteOptions options = Options();
  auto newer = Impostor(200, R"({"api": 99, "version": "9.0"})");
  options.url = "http://127.0.0.1:" + std::to_string(newer->port());
  const auto evaluator = Connect(options);
  ASSERT_FALSE(evaluator.ok());
  EXPECT_EQ(evaluator.error().code, ErrorCode::kFailedPrecondition);
  EXPECT_NE(evaluator.error().message.find("version 99"), std::string::npos);
  for (const auto& [status, body] :
       {std::pair{200, "<html>"}, {404, "{}"}, {200, "[]"}, {200, "{\"api\":\"x\"}"}}) {
    auto other = Impostor(status, body);
    options.url = "http://127.0.0.1:" + std::to_string(other->port());
    EXPECT_EQ(Connect(options).error().code, ErrorCode::kFailedPrecondition) << body;
  }
}

TEST_F(Remote, SaysWhichBackendsAreServed) {
  Start();
  RemoteOptions options = Options();
  options.backend = "cuda";
  const auto evaluator = Connect(options);
  ASSERT_FALSE(evaluator.ok());
  EXPECT_EQ(evaluator.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(evaluator.error().message.find("it serves: cpu"), std::string::npos);
}

}  // namespace
}  // namespace ks
