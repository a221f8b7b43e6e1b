#include "service/service.h"

#include <gtest/gtest.h>

#include <future>

#include "core/event.h"
#include "service/journal.h"
#include "tests/service/doubles.h"
#include "tests/store/temp_folder.h"

namespace ks {
namespace {

constexpr int64_t kLarge = int64_t{1} << 30;

Submission Ask(const std::string& source, int priority = 0) {
  Submission submission;
  submission.task_ref = "matmul";
  submission.request.source = source;
  submission.priority = priority;
  return submission;
}

// A service on fakes in a folder of its own; Restart() is what a crash-free restart does.
class ServiceTest : public testing::Test {
 protected:
  void Start(ServiceOptions options = {}) {
    options_ = options;
    auto journal = Journal::Open(folder_.path(), kLarge);
    ASSERT_TRUE(journal.ok()) << journal.error().message;
    journal_ = *std::move(journal);
    auto service = EvaluationService::Start(options, {room_, *journal_, clock_, LibraryTask});
    ASSERT_TRUE(service.ok()) << service.error().message;
    service_ = *std::move(service);
  }
  void Stop() {
    service_.reset();
    journal_.reset();
  }
  std::variant<std::vector<EvaluationStatus>, ApiError> Submit(std::vector<Submission> batch) {
    std::promise<std::variant<std::vector<EvaluationStatus>, ApiError>> done;
    service_->Submit(std::move(batch), [&](auto result) { done.set_value(std::move(result)); });
    return done.get_future().get();
  }
  EvaluationStatus One(const Submission& submission) {
    auto result = Submit({submission});
    if (const auto* error = std::get_if<ApiError>(&result)) {
      ADD_FAILURE() << error->code << ": " << error->message;
      return {};
    }
    return std::get<0>(result)[0];
  }
  ApiError Refusal(const Submission& submission) {
    auto result = Submit({submission});
    return result.index() == 1 ? std::get<1>(result) : ApiError{};
  }
  EvaluationStatus Final(const std::string& id) {
    EvaluationStatus last;
    EXPECT_TRUE(Eventually([&] {
      const auto found = service_->Find(id);
      if (found.ok()) last = *found;
      return found.ok() && IsFinal(found->state);
    })) << id
        << " stays " << EvaluationStateName(last.state);
    return last;
  }
  Outcome OutcomeOf(const EvaluationStatus& status) {
    const Result<Evaluation> evaluation = EvaluationFromJson(status.evaluation_json);
    return evaluation.ok() ? evaluation->outcome : Outcome{LaunchFailed{"not readable"}};
  }

  TempFolder folder_;
  SystemClock clock_;
  FakeMachineRoom room_;
  ServiceOptions options_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<EvaluationService> service_;
};

TEST_F(ServiceTest, JudgesACandidateInAllStages) {
  Start();
  const EvaluationStatus accepted = One(Ask("good"));
  EXPECT_FALSE(IsFinal(accepted.state));
  const EvaluationStatus done = Final(accepted.id);
  EXPECT_EQ(done.state, EvaluationState::kFinished);
  EXPECT_EQ(done.device, "cpu");
  EXPECT_EQ(done.tries, 1);
  const Outcome outcome = OutcomeOf(done);
  ASSERT_NE(AsMeasured(outcome), nullptr);
  EXPECT_EQ(AsMeasured(outcome)->speedup.mid, 2);
  EXPECT_EQ(room_.checked("good"), 1);
  EXPECT_EQ(room_.timed()["good"], 1);
}

TEST_F(ServiceTest, AFailedCandidateIsAnOutcomeAndIsNotTriedAgain) {
  Start();
  const EvaluationStatus wrong = Final(One(Ask("wrong")).id);
  EXPECT_TRUE(std::holds_alternative<WrongResult>(OutcomeOf(wrong)));
  const EvaluationStatus broken = Final(One(Ask("broken")).id);
  EXPECT_TRUE(std::holds_alternative<CompileFailed>(OutcomeOf(broken)));
  EXPECT_EQ(wrong.tries, 1);
  EXPECT_EQ(room_.checked("wrong"), 1);
  EXPECT_EQ(service_->stats().retries, 0);
}

TEST_F(ServiceTest, AFaultOfOursIsTriedOnceMore) {
  Start();
  const EvaluationStatus once = Final(One(Ask("fault_once")).id);
  EXPECT_EQ(once.state, EvaluationState::kFinished);
  EXPECT_EQ(once.tries, 2);
  const EvaluationStatus always = Final(One(Ask("fault")).id);
  EXPECT_EQ(always.state, EvaluationState::kFailed);
  EXPECT_EQ(always.error, "the sandbox went away");
  EXPECT_EQ(always.tries, 2);
  EXPECT_EQ(service_->stats().retries, 2);
  EXPECT_GE(room_.made(), 3) << "a suspected evaluator is replaced";
}

TEST_F(ServiceTest, AKilledRunnerIsOurFaultTheFirstTime) {
  Start();
  const EvaluationStatus done = Final(One(Ask("killed_once")).id);
  EXPECT_EQ(done.tries, 2);
  EXPECT_NE(AsMeasured(OutcomeOf(done)), nullptr);
  const EvaluationStatus hungry = Final(One(Ask("hungry")).id);
  EXPECT_EQ(hungry.tries, 2);
  EXPECT_TRUE(std::holds_alternative<OutOfMemory>(OutcomeOf(hungry))) << "twice: it is its own";
}

TEST_F(ServiceTest, TheSameQuestionIsAnsweredOnce) {
  Start();
  const EvaluationStatus first = Final(One(Ask("good")).id);
  const EvaluationStatus again = One(Ask("good"));
  EXPECT_EQ(again.id, first.id);
  EXPECT_TRUE(again.reused);
  EXPECT_EQ(again.evaluation_json, first.evaluation_json);
  EXPECT_EQ(room_.timed()["good"], 1);
  Submission anew = Ask("good");
  anew.repeat = "1";
  EXPECT_NE(Final(One(anew).id).id, first.id);
  EXPECT_EQ(room_.timed()["good"], 2);
}

TEST_F(ServiceTest, WhatATimingDependsOnIsPartOfTheQuestion) {
  const Submission plain = Ask("good");
  const auto id = [](const Submission& s) { return EvaluationId(s, "task", {"machine"}); };
  Submission other = plain;
  other.request.parent = Rival{"parent", {1, 1, 1}, false};
  EXPECT_NE(id(other), id(plain));
  Submission slower = other;
  slower.request.parent->speedup = {1, 2, 3};
  EXPECT_NE(id(slower), id(other)) << "the chain of speed-ups starts there";
  Submission config = plain;
  config.config.time_budget_s = 2;
  EXPECT_NE(id(config), id(plain));
  EXPECT_NE(EvaluationId(plain, "task", {"other machine"}), id(plain));
  EXPECT_NE(EvaluationId(plain, "other task", {"machine"}), id(plain));
  Submission urgent = plain;
  urgent.priority = 3;
  urgent.timeout_s = 9;
  EXPECT_EQ(id(urgent), id(plain));
  Submission check = plain;
  check.request.stages.time = false;
  EXPECT_NE(id(check), id(plain));
  Submission checked_against = check;
  checked_against.request.parent = other.request.parent;
  EXPECT_EQ(id(checked_against), id(check)) << "a check knows no parent";
}

TEST_F(ServiceTest, WaitingTwiceForTheSameJoins) {
  Start();
  const EvaluationStatus first = One(Ask("hold good"));
  const EvaluationStatus second = One(Ask("hold good"));
  EXPECT_EQ(first.id, second.id);
  EXPECT_EQ(service_->stats().joined, 1);
  room_.Release();
  Final(first.id);
  EXPECT_EQ(room_.timed()["hold good"], 1);
}

TEST_F(ServiceTest, HigherPriorityGoesFirstThenTheOrderOfAcceptance) {
  Start({.compile_threads = 1, .look_ahead = 1});
  const EvaluationStatus gate = One(Ask("hold gate"));
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  std::vector<std::string> ids;
  for (const auto& [source, priority] : {std::pair{"a", 0}, {"b", 0}, {"c", 5}, {"d", -5}}) {
    ids.push_back(One(Ask(source, priority)).id);
  }
  EXPECT_EQ(service_->Find(ids[3])->position, 3);
  EXPECT_EQ(service_->Find(ids[2])->position, 0);
  One(Ask("b", 7));  // the same question, more urgent
  room_.Release();
  for (const std::string& id : ids) Final(id);
  EXPECT_EQ(room_.order(), (std::vector<std::string>{"hold gate", "b", "c", "a", "d"}));
}

TEST_F(ServiceTest, OneTimingADeviceWhileOthersCompile) {
  room_.AddDevice("cpu:1");
  Start({.compile_threads = 3, .look_ahead = 4});
  std::vector<Submission> batch;
  for (int i = 0; i < 12; ++i) batch.push_back(Ask("slow " + std::to_string(i)));
  const auto accepted = std::get<0>(Submit(batch));
  std::set<std::string> devices;
  for (const EvaluationStatus& one : accepted) devices.insert(Final(one.id).device);
  EXPECT_EQ(room_.most_timings(), 1);
  EXPECT_GT(room_.most_at_once(), 2) << "nothing overlapped";
  EXPECT_EQ(devices.size(), 2u);
}

TEST_F(ServiceTest, ChecksNeedTheLeaseWhereTheyWouldDisturbATiming) {
  room_.device(0).check_needs_lease = true;
  Start();
  Submission check = Ask("good");
  check.request.stages.time = false;
  EXPECT_EQ(Final(One(check).id).state, EvaluationState::kFinished);
  EXPECT_EQ(service_->stats().devices[0].timed, 1);
  EXPECT_EQ(room_.checked("good"), 1);
  EXPECT_TRUE(std::holds_alternative<WrongResult>(OutcomeOf(Final(One(Ask("wrong")).id))));
}

TEST_F(ServiceTest, CancelsWaitingAndRunning) {
  Start({.compile_threads = 1});
  const EvaluationStatus running = One(Ask("hold a"));
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  const EvaluationStatus waiting = One(Ask("b"));
  ASSERT_TRUE(service_->Cancel(waiting.id).ok());
  EXPECT_EQ(Final(waiting.id).state, EvaluationState::kCancelled);
  ASSERT_TRUE(service_->Cancel(running.id).ok());
  EXPECT_EQ(Final(running.id).state, EvaluationState::kCancelled);
  EXPECT_EQ(room_.timed().count("b"), 0u);
  EXPECT_EQ(Final(One(Ask("b")).id).state, EvaluationState::kFinished) << "may be asked again";
  EXPECT_EQ(service_->Cancel(std::string(32, '0')).error().code, ErrorCode::kNotFound);
}

TEST_F(ServiceTest, AsManyAreTimedAtOnceAsADeviceAllows) {
  room_.device(0).timed_at_once = 3;
  ServiceOptions options;
  options.compile_threads = 4;
  options.look_ahead = 1;
  Start(options);
  std::vector<Submission> batch;
  for (int i = 0; i < 12; ++i) batch.push_back(Ask("slow " + std::to_string(i)));
  const auto accepted = Submit(std::move(batch));
  ASSERT_EQ(accepted.index(), 0U);
  for (const EvaluationStatus& one : std::get<0>(accepted)) Final(one.id);
  EXPECT_GT(room_.most_timings(), 1);
  EXPECT_LE(room_.most_timings(), 3);
}

TEST_F(ServiceTest, DeadlinesEndWaitingAndRunning) {
  Start({.compile_threads = 1});
  Submission running = Ask("hold a");
  running.timeout_s = 0.3;
  Submission waiting = Ask("b");
  waiting.timeout_s = 0.01;
  const std::string first = One(running).id;
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  const EvaluationStatus late = Final(One(waiting).id);
  EXPECT_EQ(late.state, EvaluationState::kExpired);
  EXPECT_NE(late.error, "");
  EXPECT_EQ(Final(first).state, EvaluationState::kExpired);
}

TEST_F(ServiceTest, AFullQueueRefusesTheWholeBatch) {
  Start({.compile_threads = 1, .queue_limit = 3});
  One(Ask("hold a"));
  const auto refused = Submit({Ask("b"), Ask("c"), Ask("d")});
  ASSERT_EQ(refused.index(), 1u);
  EXPECT_EQ(std::get<1>(refused).status, 429);
  EXPECT_EQ(std::get<1>(refused).code, "queue_full");
  EXPECT_GT(std::get<1>(refused).retry_after_s, 0);
  EXPECT_EQ(Submit({Ask("b"), Ask("c")}).index(), 0u);
  EXPECT_EQ(Submit({Ask("b"), Ask("hold a")}).index(), 0u) << "nothing new is always welcome";
}

TEST_F(ServiceTest, RefusesUnknownTasksAndDevices) {
  Start();
  Submission task = Ask("x");
  task.task_ref = "matmull";
  EXPECT_EQ(Refusal(task).code, "unknown_task");
  EXPECT_NE(Refusal(task).message.find("matmul"), std::string::npos);
  task.task_ref = std::string(64, 'a');
  EXPECT_EQ(Refusal(task).code, "unknown_task");
  Submission backend = Ask("x");
  backend.backend = "cuda";
  EXPECT_EQ(Refusal(backend).code, "unknown_device");
  Submission device = Ask("x");
  device.device = "cpu:7";
  EXPECT_EQ(Refusal(device).status, 422);
}

TEST_F(ServiceTest, ADrainFinishesWhatRunsAndTheNextStartDoesTheRest) {
  Start({.compile_threads = 1, .look_ahead = 1});
  const std::string running = One(Ask("hold a")).id;
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  std::vector<std::string> ids;
  for (const char* source : {"b", "c", "wrong d"}) ids.push_back(One(Ask(source)).id);
  std::thread drain([&] { service_->Drain(30); });
  ASSERT_TRUE(Eventually([&] { return service_->draining(); }));
  EXPECT_EQ(Refusal(Ask("new")).status, 503);
  room_.Release();
  drain.join();
  EXPECT_EQ(service_->Find(running)->state, EvaluationState::kFinished);
  EXPECT_EQ(service_->Find(ids[0])->state, EvaluationState::kQueued);
  Stop();
  Start();
  for (const std::string& id : ids) EXPECT_EQ(Final(id).state, EvaluationState::kFinished);
  EXPECT_EQ(room_.timed()["hold a"], 1);
  EXPECT_EQ(room_.timed()["b"], 1);
}

TEST_F(ServiceTest, ADrainWithoutPatienceReturnsWhatRuns) {
  Start();
  const std::string id = One(Ask("hold a")).id;
  ASSERT_TRUE(Eventually([&] { return room_.held() == 1; }));
  Stop();
  room_.Release();
  Start();
  EXPECT_EQ(Final(id).state, EvaluationState::kFinished);
  EXPECT_EQ(room_.timed()["hold a"], 1);
}

TEST_F(ServiceTest, WhatKillsTheServiceAgainAndAgainIsGivenUp) {
  Start();
  Stop();
  auto journal = Journal::Open(folder_.path(), kLarge);
  ASSERT_TRUE(journal.ok());
  NewEvaluation row;
  row.pending.status = {
      .id = std::string(32, 'a'), .task = "matmul", .task_hash = "h", .backend = "cpu"};
  row.pending.sequence = 1;
  row.task_json = "{}";
  row.request_json = "{}";
  (*journal)->Accept({row}, [](const Status&) {});
  for (int i = 0; i < 5; ++i) (*journal)->NoteStart(row.pending.status.id, false);
  journal->reset();
  Start({.max_starts = 5});
  const EvaluationStatus status = Final(row.pending.status.id);
  EXPECT_EQ(status.state, EvaluationState::kFailed);
  EXPECT_NE(status.error.find("5 times"), std::string::npos) << status.error;
}

TEST_F(ServiceTest, WatchersSeeEveryStageInOrder) {
  Start({.compile_threads = 1});
  One(Ask("hold gate"));
  const std::string id = One(Ask("slow a")).id;
  std::mutex mutex;
  std::vector<std::string> seen;
  const uint64_t watch = service_->Watch(id, [&](const EvaluationStatus& status) {
    const std::lock_guard lock(mutex);
    seen.push_back(status.stage.empty() ? EvaluationStateName(status.state) : status.stage);
  });
  EXPECT_NE(watch, 0u);
  int other = 0;
  service_->Unwatch(id, service_->Watch(id, [&](const EvaluationStatus&) { ++other; }));
  room_.Release();
  Final(id);
  ASSERT_TRUE(Eventually([&] {
    const std::lock_guard lock(mutex);
    return !seen.empty() && seen.back() == "finished";
  }));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(seen, (std::vector<std::string>{"compile", "lease", "time", "finished"}));
  EXPECT_EQ(other, 0);
  EXPECT_EQ(service_->Watch(id, [](const EvaluationStatus&) {}), 0u) << "it has ended";
}

TEST_F(ServiceTest, TasksThatTravelAreKnownByTheirHashAfterwards) {
  Start();
  Submission submission = Ask("good");
  Task task = *LibraryTask("softmax");
  task.name = "mine";
  task.hash = TaskHash(task);
  submission.task = task;
  Final(One(submission).id);
  Stop();
  Start();
  Submission by_hash = Ask("wrong");
  by_hash.task_ref = task.hash;
  EXPECT_EQ(Final(One(by_hash).id).task, "mine");
  Submission by_name = Ask("good");
  by_name.task_ref = "mine";
  EXPECT_EQ(Refusal(by_name).code, "unknown_task") << "names are the library's";
}

}  // namespace
}  // namespace ks
