#include "service/api.h"

#include <future>
#include <regex>

#include "base/text.h"
#include "service/task_json.h"
#include "tests/service/http_fixture.h"
#include "tests/service/schema.h"

namespace ks {
namespace {

class Api : public HttpFixture {};

TEST_F(Api, JudgesOneAndAnswersALongPollAtItsEnd) {
  Start();
  const HttpResponse accepted = Send("POST", "/v1/evaluations", Ask("hold good"));
  EXPECT_EQ(accepted.status, 202);
  const std::string id = Parsed(accepted)["id"];
  auto waiting = std::async([&] { return Waited(id); });
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  room_.Release();
  const Json done = waiting.get();
  EXPECT_EQ(done["state"], "finished");
  EXPECT_EQ(done["evaluation"]["outcome"]["kind"], "measured");
  const HttpResponse again = Send("POST", "/v1/evaluations", Ask("hold good"));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(Parsed(again)["reused"], true);
}

TEST_F(Api, ALongPollEndsWithTheStateWhenItsTimeIsOver) {
  Start();
  const std::string id = Submitted("hold good");
  const Json status = Parsed(Send("GET", "/v1/evaluations/" + id + "?wait=0.05"));
  EXPECT_FALSE(IsFinal(*ParseEvaluationState(status["state"].get<std::string>())));
}

TEST_F(Api, TakesABatchInOrder) {
  Start();
  const HttpResponse accepted =
      Send("POST", "/v1/evaluations", {{"evaluations", {Ask("a"), Ask("wrong b"), Ask("a")}}});
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const Json list = Parsed(accepted)["evaluations"];
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0]["id"], list[2]["id"]);
  EXPECT_EQ(Waited(list[1]["id"])["evaluation"]["outcome"]["kind"], "wrong_result");
}

TEST_F(Api, StreamsTheStatesAsEvents) {
  Start();
  const std::string id = Submitted("hold good");
  std::string text;
  HttpCall call{.target = "/v1/evaluations/" + id + "/events", .timeout_s = 20};
  call.on_body = [&](std::string_view piece) {
    text += piece;
    if (text.find("\"stage\":\"compile\"") != text.npos) room_.Release();
    return true;
  };
  const Result<HttpResponse> response = client_->Send(call, {});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->content_type, "text/event-stream");
  EXPECT_EQ(text.rfind("event: state\ndata: {", 0), 0u) << text;
  EXPECT_NE(text.find("\n\nevent: result\ndata: {"), text.npos) << text;
  const HttpResponse late = Send("GET", "/v1/evaluations/" + id + "/events");
  (void)late;  // of one that has ended: the result at once
  EXPECT_EQ(late.status, 200);
}

TEST_F(Api, QuietStreamsArePinged) {
  api_options_.ping_s = 0.02;
  Start();
  std::string text;
  HttpCall call{.target = "/v1/evaluations/" + Submitted("hold a") + "/events", .timeout_s = 20};
  call.on_body = [&](std::string_view piece) {
    text += piece;
    return text.find(": ping\n\n: ping\n\n") == text.npos;
  };
  EXPECT_TRUE(client_->Send(call, {}).ok());
}

TEST_F(Api, CancelsOnDelete) {
  Start();
  const std::string id = Submitted("hold a");
  EXPECT_EQ(Send("DELETE", "/v1/evaluations/" + id).status, 200);
  EXPECT_EQ(Waited(id)["state"], "cancelled");
  EXPECT_EQ(Send("DELETE", "/v1/evaluations/" + std::string(32, '0')).status, 404);
}

TEST_F(Api, ATokenIsNeededForAllButTheHealth) {
  api_options_.token = "0123456789abcdef";
  Start();
  EXPECT_EQ(Send("GET", "/health").status, 200);
  for (const char* path : {"/devices", "/metrics", "/openapi.json", "/v1/tasks", "/nothing"}) {
    const HttpResponse refused = Send("GET", path);
    EXPECT_EQ(refused.status, 401) << path;
    EXPECT_EQ(FindHeader(refused.headers, "WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(Send("POST", "/v1/evaluations", Ask("a")).status, 401);
  EXPECT_EQ(Send("GET", "/devices", nullptr, {{"Authorization", "Bearer 0123456789abcdeX"}}).status,
            401);
  EXPECT_EQ(Send("GET", "/devices", nullptr, {{"Authorization", "Bearer 0123456789abcdef"}}).status,
            200);
}

TEST_F(Api, BadBodiesAreRefusedWithTheField) {
  Start();
  const auto message = [&](const Json& body) {
    const HttpResponse response = Send("POST", "/v1/evaluations", body);
    EXPECT_EQ(response.status, 400) << body;
    return ApiErrorFromJson(response.status, response.body).message;
  };
  EXPECT_NE(message("{\"task\":").find("not JSON"), std::string::npos);
  EXPECT_NE(message("[]").find("must be a JSON object"), std::string::npos);
  EXPECT_EQ(message({{"task", "matmul"}}), "source is missing");
  Json typo = Ask("a");
  typo["stagse"] = {"check"};
  EXPECT_EQ(message(typo), "stagse is no known field (did you mean 'stages'?)");
  Json stage = Ask("a");
  stage["stages"] = {"polish"};
  EXPECT_NE(message(stage).find("stages knows"), std::string::npos);
  Json config = Ask("a");
  config["config"] = {{"confidence", 7}};
  EXPECT_NE(message(config).find("config.confidence must be from"), std::string::npos);
  Json zero = Ask(std::string("a\0b", 3));
  EXPECT_NE(message(zero).find("zero byte"), std::string::npos);
  Json large = Ask(std::string(kMaxKernelSourceBytes + 1, 'x'));
  EXPECT_NE(message(large).find("limit"), std::string::npos);
  EXPECT_NE(
      message({{"evaluations", {Ask("a"), {{"task", "matmul"}}}}}).find("evaluations[1].source"),
      std::string::npos);
  EXPECT_NE(message({{"evaluations", Json::array()}}).find("1 to 256"), std::string::npos);
  EXPECT_EQ(service_->stats().accepted, 0);
}

TEST_F(Api, ABadTaskIsRefusedWithTheReason) {
  Start();
  const auto refused = [&](const std::function<void(Json&)>& damage) {
    Json body = Ask("a");
    body["task"] = TaskToJson(*LibraryTask("matmul"));
    damage(body["task"]);
    const HttpResponse response = Send("POST", "/v1/evaluations", body);
    EXPECT_EQ(response.status, 400);
    return ApiErrorFromJson(response.status, response.body).message;
  };
  EXPECT_NE(refused([](Json& t) { t["hash"] = std::string(64, 'a'); }).find("same version"),
            std::string::npos);
  EXPECT_NE(refused([](Json& t) { t["workloads"][0]["axes"]["m"] = 0; }).find("axes.m"),
            std::string::npos);
  EXPECT_NE(refused([](Json& t) { t["inputs"][0]["dtype"] = "f7"; }).find("f7"), std::string::npos);
  EXPECT_NE(refused([](Json& t) {
              t.erase("hash");
              t["inputs"][0]["shape"] = {"nosuch"};
            }).find("nosuch"),
            std::string::npos);
  EXPECT_NE(refused([](Json& t) { t["outputs"] = 3; }).find("task.outputs"), std::string::npos);
}

TEST_F(Api, UnknownRoutesAndMethodsAreSaid) {
  Start();
  EXPECT_EQ(CodeOf(Send("GET", "/nothing")), "not_found");
  EXPECT_EQ(CodeOf(Send("DELETE", "/devices")), "method_not_allowed");
  EXPECT_EQ(Send("GET", "/v1/evaluations").status, 405);
  EXPECT_EQ(Send("PUT", "/v1/evaluations/" + std::string(32, 'a'), Json::object()).status, 405);
  EXPECT_EQ(Send("GET", "/v1/evaluations/xyz").status, 404);
  EXPECT_EQ(Send("GET", "/v1/evaluations/" + std::string(32, 'a')).status, 404);
  EXPECT_EQ(Send("GET", "/v1/evaluations/" + std::string(32, 'a') + "?wait=x").status, 400);
  EXPECT_EQ(Send("GET", "/v1/evaluations/" + std::string(32, 'a') + "?wait=301").status, 400);
}

TEST_F(Api, AFormOfAWebPageIsRefused) {
  Start();
  HttpCall call{.method = "POST", .target = "/v1/evaluations", .body = Ask("a").dump()};
  call.headers = {{"Content-Type", "text/plain"}};
  EXPECT_EQ(client_->Send(call, {})->status, 415);
}

TEST_F(Api, TooManyRequestsAreToldToComeBack) {
  api_options_.rate_per_s = 1;
  api_options_.rate_burst = 3;
  Start();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Send("GET", "/health").status, 200);
  const HttpResponse refused = Send("GET", "/health");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(CodeOf(refused), "rate_limited");
  EXPECT_EQ(FindHeader(refused.headers, "Retry-After"), "1");
}

TEST_F(Api, AFullQueueIsToldToComeBack) {
  service_options_.queue_limit = 1;
  Start();
  Submitted("hold a");
  const HttpResponse refused = Send("POST", "/v1/evaluations", Ask("b"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(CodeOf(refused), "queue_full");
  EXPECT_NE(FindHeader(refused.headers, "Retry-After"), "");
}

TEST_F(Api, AShutdownAnswersWhoWaits) {
  service_options_.compile_threads = 1;
  Start();
  Submitted("hold a");
  const std::string id = Submitted("b");
  auto poll = std::async([&] { return Waited(id); });
  std::string events;
  auto stream = std::async([&] {
    HttpCall call{.target = "/v1/evaluations/" + id + "/events", .timeout_s = 20};
    call.on_body = [&](std::string_view piece) {
      events += piece;
      return true;
    };
    return client_->Send(call, {}).ok();
  });
  ASSERT_TRUE(Eventually([&] { return server_->connections() >= 2; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  service_->Drain(0);
  EXPECT_EQ(poll.get()["state"], "queued");
  EXPECT_TRUE(stream.get());
  EXPECT_NE(events.find("event: closing"), std::string::npos) << events;
  EXPECT_EQ(CodeOf(Send("POST", "/v1/evaluations", Ask("c"))), "shutting_down");
  EXPECT_EQ(Parsed(Send("GET", "/health"))["status"], "draining");
}

TEST_F(Api, EveryAnswerIsAsTheServedDocumentSays) {
  Start();
  const SchemaChecker checker(Parsed(Send("GET", "/openapi.json")));
  const auto conforms = [&](const std::string& route, const std::string& method,
                            const HttpResponse& response) {
    const std::string type = response.content_type.substr(0, response.content_type.find(';'));
    std::string lower = method;
    for (char& c : lower) c = static_cast<char>(std::tolower(c));
    const Json* schema = checker.SchemaOf(route, lower, response.status, type);
    ASSERT_NE(schema, nullptr) << method << " " << route << " " << response.status << " " << type;
    const Json body = type == "application/json" ? Parsed(response) : Json(response.body);
    EXPECT_EQ(checker.Fault(*schema, body), "") << method << " " << route << "\n" << response.body;
  };
  for (const char* route : {"/health", "/devices", "/metrics", "/openapi.json", "/v1/tasks"}) {
    conforms(route, "GET", Send("GET", route));
  }
  const std::string one = "/v1/evaluations/{id}";
  for (const char* source : {"good", "wrong", "broken", "fault"}) {
    const HttpResponse accepted = Send("POST", "/v1/evaluations", Ask(source));
    conforms("/v1/evaluations", "POST", accepted);
    const std::string id = Parsed(accepted)["id"];
    conforms(one, "GET", Send("GET", "/v1/evaluations/" + id));
    conforms(one, "GET", Send("GET", "/v1/evaluations/" + id + "?wait=20"));
    conforms(one, "DELETE", Send("DELETE", "/v1/evaluations/" + id));
  }
  conforms("/v1/evaluations", "POST", Send("POST", "/v1/evaluations", Ask("good")));
  conforms("/v1/evaluations", "POST",
           Send("POST", "/v1/evaluations", {{"evaluations", {Ask("good"), Ask("x")}}}));
  conforms("/v1/evaluations", "POST", Send("POST", "/v1/evaluations", Json::object()));
  Json unknown = Ask("a");
  unknown["task"] = "nosuch";
  conforms("/v1/evaluations", "POST", Send("POST", "/v1/evaluations", unknown));
  unknown = Ask("a");
  unknown["backend"] = "nosuch";
  conforms("/v1/evaluations", "POST", Send("POST", "/v1/evaluations", unknown));
  conforms(one, "GET", Send("GET", "/v1/evaluations/" + std::string(32, '0')));
  conforms(one + "/events", "GET",
           Send("GET", "/v1/evaluations/" + std::string(32, '0') + "/events"));
}

TEST_F(Api, WhatTheClientSendsIsAsTheServedDocumentSays) {
  Start();
  const SchemaChecker checker(Parsed(Send("GET", "/openapi.json")));
  const Json schema = {{"$ref", "#/components/schemas/Submission"}};
  for (const char* name : {"matmul", "spmv", "cross_entropy", "attention"}) {
    Submission full;
    full.task = *LibraryTask(name);
    full.device = "cpu";
    full.request.source = "x";
    full.request.baseline_source = "y";
    full.request.parent = Rival{"p", {1, 2, 3}, true};
    full.request.champion = full.request.parent;
    full.timeout_s = 5;
    full.repeat = "1";
    EXPECT_EQ(checker.Fault(schema, SubmissionToJson(full)), "") << name;
  }
  EXPECT_EQ(checker.Fault(schema, Ask("x")), "");
}

// Prometheus's text format, line by line.
TEST_F(Api, MetricsAreWellFormedAndCount) {
  Start();
  Waited(Submitted("good"));
  Waited(Submitted("wrong"));
  Submitted("good");
  const HttpResponse response = Send("GET", "/metrics");
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  const std::regex sample(R"(^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+$)");
  std::set<std::string> typed;
  for (const std::string_view line : Split(response.body, '\n')) {
    if (line.empty() || line.substr(0, 6) == "# HELP") continue;
    if (line.substr(0, 6) == "# TYPE") {
      EXPECT_TRUE(typed.insert(std::string(SplitWords(line)[2])).second) << line;
      continue;
    }
    EXPECT_TRUE(std::regex_match(std::string(line), sample)) << line;
  }
  for (const char* line : {"ksmith_submissions_total{result=\"accepted\"} 2\n",
                           "ksmith_submissions_total{result=\"reused\"} 1\n",
                           "ksmith_outcomes_total{outcome=\"measured\"} 1\n",
                           "ksmith_outcomes_total{outcome=\"wrong_result\"} 1\n",
                           "ksmith_device_leases_total{device=\"cpu\"} 1\n",
                           "ksmith_build_info{version=\"1.2.3\"} 1\n"}) {
    EXPECT_NE(response.body.find(line), std::string::npos) << line << response.body;
  }
}

TEST_F(Api, ClientsThatGoAwayLeaveNothingBehind) {
  Start();
  const std::string id = Submitted("hold a");
  for (int i = 0; i < 20; ++i) {
    HttpCall call{.target = "/v1/evaluations/" + id + (i % 2 == 0 ? "?wait=60" : "/events"),
                  .timeout_s = 0.02,
                  .idempotent = false};
    EXPECT_FALSE(client_->Send(call, {}).ok());
  }
  EXPECT_TRUE(Eventually([&] { return server_->connections() <= 1; }));
  room_.Release();
  EXPECT_EQ(Waited(id)["state"], "finished");
}

}  // namespace
}  // namespace ks
