#include "service/wire.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "core/event.h"
#include "service/rate_limit.h"
#include "service/task_json.h"
#include "task/library.h"
#include "task/loader.h"
#include "tests/core/sample_events.h"

namespace ks {
namespace {

using Json = nlohmann::json;

Submission FullSubmission() {
  Submission submission;
  submission.task_ref = std::string(64, 'a');
  submission.backend = "cpu";
  submission.device = "cpu:1";
  submission.request.source = "void f() {}\n";
  submission.request.stages = {true, true, true};
  submission.request.parent = Rival{"parent", {1.5, 2, 2.5}, true};
  submission.request.champion = Rival{"champion", {3, 4, 5}, false};
  submission.request.baseline_source = "baseline";
  submission.request.seed = 18446744073709551615u;
  submission.request.held_out = true;
  submission.config.time_budget_s = 0.25;
  submission.config.memory_limit_bytes = 123456789012;
  submission.priority = -3;
  submission.timeout_s = 60.5;
  submission.repeat = "second";
  return submission;
}

// Every field differs from its default.
Task SampleTask() {
  Task task;
  task.name = "scale";
  task.summary = "y = a x";
  task.precision = "tf32";
  task.entry = "scale";
  task.max_threads = 2;
  task.allow_reassociation = false;
  task.axes = {"n"};
  task.inputs = {{"x", DType::kF16, {"n", "4"}, false, {"uniform", {{"low", "-1"}}}},
                 {"a", DType::kF32, {}, true, {"normal", {}}}};
  task.outputs = {{"y", DType::kF64, {"n", "4"}, false, {}}};
  task.workloads = {{"n=4096", {{"n", 4096}}, WorkloadRole::kTime, "gpu"},
                    {"n=7", {{"n", 7}}, WorkloadRole::kCheck, ""},
                    {"n=9", {{"n", 9}}, WorkloadRole::kHeldOut, "cpu"}};
  task.flops = "4*n";
  task.bytes = "40*n";
  task.reference_file = "reference.cc";
  task.reference_source = "extern \"C\" void scale() {}";
  task.tolerance = {1e-3, 1e-4, 2, 1e-2};
  task.seeds = {{"cpu", "seed.cc", "// seed"}};
  task.hash = std::string(64, 'b');
  return task;
}

EvaluationStatus FinishedStatus() {
  EvaluationStatus status;
  status.id = EvaluationId(FullSubmission(), std::string(64, 'a'), {"machine"});
  status.state = EvaluationState::kFinished;
  status.task = "matmul";
  status.task_hash = std::string(64, 'a');
  status.backend = "cpu";
  status.device = "cpu:1";
  status.priority = -3;
  status.accepted_unix_ms = 1700000000000;
  status.finished_unix_ms = 1700000001500;
  status.tries = 1;
  status.evaluation_json = EvaluationToJson(SampleEvaluation(SampleOutcomes()[0]));
  return status;
}

TEST(SubmissionJson, EveryFieldSurvivesARoundTrip) {
  const Json json = SubmissionToJson(FullSubmission());
  const Result<Submission> read = SubmissionFromJson(json, "");
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(SubmissionToJson(*read), json);
  EXPECT_EQ(read->request.seed, 18446744073709551615u);
  EXPECT_EQ(read->request.parent->speedup, (Interval{1.5, 2, 2.5}));
  EXPECT_TRUE(read->request.parent->confirmed);
  EXPECT_EQ(read->config.time_budget_s, 0.25);
  EXPECT_EQ(read->config.memory_limit_bytes, 123456789012);
  EXPECT_EQ(read->timeout_s, 60.5);
  EXPECT_EQ(read->repeat, "second");
}

TEST(SubmissionJson, TheSmallestHasDefaults) {
  const Result<Submission> read = SubmissionFromJson({{"task", "matmul"}, {"source", "x"}}, "");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->backend, "cpu");
  EXPECT_TRUE(read->request.stages.check && read->request.stages.time);
  EXPECT_EQ(read->config.check_trials, EvaluationConfig{}.check_trials);
  EXPECT_FALSE(read->request.parent.has_value());
  EXPECT_EQ(read->task_ref, "matmul");
}

TEST(TaskJson, EveryTaskOfTheLibrarySurvivesARoundTrip) {
  const TaskLibrary library;
  for (const std::string& name : library.names()) {
    const Task task = *library.Load(name);
    const Json json = TaskToJson(task);
    const Result<Task> read = TaskFromJson(Json::parse(json.dump()), "task");
    ASSERT_TRUE(read.ok()) << name << ": " << read.error().message;
    EXPECT_EQ(read->hash, task.hash) << name;
    EXPECT_EQ(TaskToJson(*read), json) << name;
  }
}

TEST(StatusJson, SurvivesARoundTrip) {
  EvaluationStatus status = FinishedStatus();
  const Result<EvaluationStatus> read = StatusFromJson(Json::parse(StatusToJson(status)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->id, status.id);
  EXPECT_EQ(read->state, status.state);
  EXPECT_EQ(read->task, "matmul");
  EXPECT_TRUE(EvaluationFromJson(read->evaluation_json).ok());
  status.state = EvaluationState::kFailed;
  status.evaluation_json.clear();
  status.error = "no compiler";
  status.error_code = ErrorCode::kFailedPrecondition;
  const Result<EvaluationStatus> failed = StatusFromJson(Json::parse(StatusToJson(status)));
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->error, "no compiler");
  EXPECT_EQ(failed->error_code, ErrorCode::kFailedPrecondition);
  for (const char* bad : {"{}", "[]", "null", R"({"id":"x","state":"queued"})",
                          R"({"id":"00000000000000000000000000000000","state":"odd"})"}) {
    EXPECT_EQ(StatusFromJson(Json::parse(bad)).error().code, ErrorCode::kDataLoss) << bad;
  }
}

TEST(ServiceWire, IsTheGoldenVersionOne) {
  Submission with_task = FullSubmission();
  with_task.task = SampleTask();
  const std::string now = SubmissionToJson(FullSubmission()).dump() + "\n" +
                          SubmissionToJson(with_task).dump() + "\n" +
                          StatusToJson(FinishedStatus()) + "\n" +
                          ApiErrorToJson({429, "queue_full", "10000 evaluations wait", 5}) + "\n";
  const std::string path = std::string(KS_SOURCE_DIR) + "/tests/golden/service_v1.jsonl";
  PosixFileSystem files;
  const Result<std::string> golden = files.Read(path, kMaxTextFileBytes);
  if (!golden.ok() || *golden != now) {
    const std::string actual = testing::TempDir() + "/service_v1.jsonl";
    ASSERT_TRUE(files.WriteAtomically(actual, now).ok());
    FAIL() << path << " differs from " << actual
           << ". A change that an old client could misread needs a new kApiVersion.";
  }
}

TEST(ApiErrorJson, AnswersOfStrangersGetACodeToo) {
  const ApiError own = ApiErrorFromJson(404, ApiErrorToJson({404, "unknown_task", "no", 0}));
  EXPECT_EQ(own.code, "unknown_task");
  EXPECT_EQ(own.message, "no");
  for (const char* body : {"", "<html>", "{}", R"({"error":3})", R"({"error":{"code":1}})"}) {
    EXPECT_EQ(ApiErrorFromJson(502, body).code, "http_502") << body;
  }
}

TEST(ParseJson, SaysWhereItWentWrongAndSurvivesDepth) {
  EXPECT_NE(ParseJson("{\"a\": }").error().message.find("column"), std::string::npos);
  const std::string deep(1 << 20, '[');
  EXPECT_FALSE(ParseJson(deep).ok());
  EXPECT_TRUE(ParseJson(deep + std::string(1 << 20, ']')).ok());
}

TEST(EvaluationId, IsRecognised) {
  EXPECT_TRUE(IsEvaluationId(FinishedStatus().id));
  for (const char* bad :
       {"", "abc", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcde/"}) {
    EXPECT_FALSE(IsEvaluationId(bad)) << bad;
  }
}

TEST(RateLimit, RefillsAndKeepsClientsApart) {
  RateLimit limit(10, 2);
  int64_t now = 1'000'000'000;
  EXPECT_TRUE(limit.Take("a", now));
  EXPECT_TRUE(limit.Take("a", now));
  EXPECT_FALSE(limit.Take("a", now));
  EXPECT_TRUE(limit.Take("b", now));
  now += 100'000'000;  // one token
  EXPECT_TRUE(limit.Take("a", now));
  EXPECT_FALSE(limit.Take("a", now));
  now += int64_t{60'000'000'000};  // not more than the burst
  EXPECT_TRUE(limit.Take("a", now));
  EXPECT_TRUE(limit.Take("a", now));
  EXPECT_FALSE(limit.Take("a", now));
  RateLimit none(0, 0);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(none.Take("a", now));
}

TEST(RateLimit, ForgetsClientsThatAreQuiet) {
  RateLimit limit(1, 1);
  for (int i = 0; i < 20000; ++i) {
    limit.Take("client " + std::to_string(i), int64_t{i} * 1'000'000);
  }
  EXPECT_TRUE(limit.Take("one more", int64_t{100'000'000'000}));
}

}  // namespace
}  // namespace ks
