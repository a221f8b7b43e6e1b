// Timing on CPU tensors: the path is that of a CUDA device, the times mean nothing but "more" and
// "less". The command line never times CPU tensors.
#include "evaluate/torch/module_judge.h"

#include "backend/torch/module_backend.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/torch/module_check.h"
#include "evaluate/torch/module_task.h"
#include "evaluate/torch/module_timer.h"
#include "tests/evaluate/torch/module_fixture.h"

namespace ks {
namespace {

constexpr const char* kHead =
    "import torch, time\n"
    "rows = 64\n"
    "class ModelNew(torch.nn.Module):\n"
    "    def __init__(self, width):\n"
    "        super().__init__()\n"
    "        self.linear = torch.nn.Linear(width, width)\n"
    "        self.calls = 0\n"
    "    def forward(self, x):\n"
    "        self.calls += 1\n"
    "        right = torch.relu(self.linear(x))\n";

std::string Candidate(const std::string& lines) { return std::string(kHead) + lines; }

const ModuleSource kModule = {"module.py",
                              "import torch\n"
                              "rows = 64\n"
                              "class Model(torch.nn.Module):\n"
                              "    def __init__(self, width):\n"
                              "        super().__init__()\n"
                              "        self.linear = torch.nn.Linear(width, width)\n"
                              "    def forward(self, x):\n"
                              "        return torch.relu(self.linear(x))\n"
                              "def get_inputs():\n"
                              "    return [torch.randn(rows, 8)]\n"
                              "def get_init_inputs():\n"
                              "    return [8]\n"};

// One evaluator for all tests: starting torch takes seconds.
class ModuleTiming : public ModuleFixture {
 protected:
  void SetUp() override {
    ModuleFixture::SetUp();
    if (IsSkipped() || parts_ != nullptr) return;
    EvaluationConfig config;
    config.check_trials = 1;
    config.max_pairs = 12;
    config.time_budget_s = 0.2;
    config.call_timeout_s = 5;
    auto session = ModuleSession::Create(sandbox(), python(), {}, config.memory_limit_bytes, 1, {});
    ASSERT_TRUE(session.ok()) << session.error().message;
    auto judge = ModuleJudge::Create(*std::move(session), kModule, config, 1, {});
    ASSERT_TRUE(judge.ok()) << judge.error().message;
    parts_ = std::make_unique<Parts>();
    parts_->backend = std::make_unique<ModuleBackend>(Machine{}, (*judge)->Versions());
    parts_->evaluator =
        std::make_unique<LocalEvaluator>(parts_->task, *parts_->backend, *std::move(judge), config);
  }
  static void TearDownTestSuite() { parts_.reset(); }
  Evaluation EvaluateTimed(const std::string& source, const std::string& baseline = "") {
    EvaluationRequest request;
    request.source = source;
    request.baseline_source = baseline.empty() ? slow_ : baseline;
    const auto evaluation = parts_->evaluator->Evaluate(request, {});
    EXPECT_TRUE(evaluation.ok()) << evaluation.error().message;
    return evaluation.value_or(Evaluation());
  }

  const std::string slow_ = Candidate("        time.sleep(0.003)\n        return right\n");

 protected:
  struct Parts {
    const Task task = ModuleTask(kModule, {});
    std::unique_ptr<ModuleBackend> backend;
    std::unique_ptr<LocalEvaluator> evaluator;
  };
  inline static std::unique_ptr<Parts> parts_;
};

TEST_F(ModuleTiming, FindsTheFasterOfTwoModules) {
  const Evaluation evaluation = EvaluateTimed(Candidate("        return right\n"));
  const Measured* const measured = AsMeasured(evaluation.outcome);
  ASSERT_NE(measured, nullptr) << OutcomeSummary(evaluation.outcome);
  ASSERT_EQ(measured->timings.size(), 1u);
  EXPECT_TRUE(measured->gain_significant);
  EXPECT_GT(measured->gain.low, 1.2) << "also where others keep the machine busy";
  EXPECT_GT(measured->timings[0].parent_median_ns, 3e6) << "it sleeps that long";
}

TEST_F(ModuleTiming, ComparesTheBaselineWithItself) {
  const Evaluation evaluation = EvaluateTimed(slow_);
  const Measured* const measured = AsMeasured(evaluation.outcome);
  ASSERT_NE(measured, nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_FALSE(measured->gain_significant);
}

TEST_F(ModuleTiming, RefusesMarksThatWerePatched) {
  const Evaluation evaluation =
      EvaluateTimed(Candidate("        from kernelsmith.modules import device\n"
                              "        device.Instant.elapsed_time = lambda self, other: 0.01\n"
                              "        time.sleep(0.01)\n"
                              "        return right\n"));
  const auto* const rejected = std::get_if<Rejected>(&evaluation.outcome);
  ASSERT_NE(rejected, nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_EQ(rejected->rule, "timer_tampered");
}

TEST_F(ModuleTiming, SeesWhatIsLeftOutOnceACandidateIsTimed) {
  // 3 calls of a check, and those that warm up; then the last result again.
  const Evaluation evaluation =
      EvaluateTimed(Candidate("        if self.calls > 6:\n"
                              "            return self.last.clone()\n"
                              "        self.last = right\n"
                              "        return right\n"));
  const auto* const wrong = std::get_if<WrongResult>(&evaluation.outcome);
  ASSERT_NE(wrong, nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_TRUE(wrong->in_timed_call);
}

TEST_F(ModuleTiming, SeesOneTimedRunThatWasLeftOut) {
  // 3 calls that warm up, 4 of a first run, 4 of the first pair; then those of the second.
  const Evaluation evaluation = EvaluateTimed(
      Candidate("        return right * 0 if 11 < self.calls < 16 else right.clone()\n"));
  const auto* const wrong = std::get_if<WrongResult>(&evaluation.outcome);
  ASSERT_NE(wrong, nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_TRUE(wrong->in_timed_call);
}

// A process that was its own candidate serves as a rival later: it knows, and must gain nothing for
// what is compared with it.
TEST_F(ModuleTiming, DoesNotBelieveARivalThatDawdles) {
  const std::string dawdles = std::string("made = 0\n") + Candidate(
                                                              "        if made > 2:\n"
                                                              "            time.sleep(0.02)\n"
                                                              "        time.sleep(0.002)\n"
                                                              "        return right\n");
  std::string counts = dawdles;
  counts.replace(counts.find("        self.calls = 0\n"), 0, "        global made; made += 1\n");
  EXPECT_STREQ(OutcomeName(EvaluateTimed(counts).outcome), "measured");
  const Evaluation child = EvaluateTimed(
      Candidate("        time.sleep(0.002)\n        return right  # the same\n"), counts);
  const Measured* const measured = AsMeasured(child.outcome);
  ASSERT_NE(measured, nullptr) << OutcomeSummary(child.outcome);
  EXPECT_FALSE(measured->gain_significant);
  EXPECT_LT(measured->gain.mid, 1.5);
}

TEST_F(ModuleTiming, GivesBothSidesTheSameNames) {
  const std::string names =
      "        if (__file__, __name__) != ('candidate.py', 'kernelsmith_candidate'):\n"
      "            raise RuntimeError(__file__)\n";
  const Evaluation evaluation =
      EvaluateTimed(Candidate(names + "        return right\n"),
                    Candidate(names + "        time.sleep(0.003)\n        return right\n"));
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "measured") << OutcomeSummary(evaluation.outcome);
}

// The module's own file plays the trusted side's part: it has no room for its copies.
TEST_F(ModuleTiming, IsOutOfMemoryWhereTheTrustedSideHasNoRoom) {
  EvaluationConfig config;
  config.max_pairs = 4;
  auto session = ModuleSession::Create(sandbox(), python(), {}, config.memory_limit_bytes, 1, {});
  ASSERT_TRUE(session.ok()) << session.error().message;
  (*session)->Allow(2);
  for (const std::string place : {"lead", "snapshot", "judge"}) {
    for (const int side : {0, 1, 2}) {
      if (place == "judge" && side == 2) continue;
      ModuleSource module = kModule;
      module.text +=
          "from kernelsmith.modules.timed import TimedCalls as T\n"
          "old = T." +
          place +
          "\n"
          "def full(self, side, *rest):\n"
          "    if side == " +
          std::to_string(side) +
          ":\n"
          "        raise MemoryError('nothing left')\n"
          "    return old(self, side, *rest)\n"
          "T." +
          place + " = full\n";
      auto opened = (*session)->Open(module, {});
      ASSERT_TRUE(opened.ok() && opened->admission.admitted);
      const ModuleFacts& facts = opened->admission.facts;
      ModulePairTimer timer(**session, *opened->reference, facts, config, {});
      const ModuleSource source = {"c.py", Candidate("        return right\n")};
      auto rival = (*session)->StartCandidate(facts, {});
      auto candidate = (*session)->StartCandidate(facts, {});
      for (const auto* one : {&rival, &candidate}) {
        ASSERT_TRUE(one->ok()) << one->error().message;
        ASSERT_TRUE(LoadModule(***one, source, facts, config, {}).ok());
      }
      ModuleHistory history;
      const auto result = timer.Run(**rival, **candidate, /*graphs=*/false, history, {});
      (*session)->EndRunner();
      ASSERT_TRUE(result.ok()) << place << side << ": " << result.error().message;
      EXPECT_FALSE(result->rival_failed) << place << side;
      ASSERT_TRUE(result->fault.has_value()) << place << side;
      EXPECT_STREQ(OutcomeName(*result->fault), "out_of_memory") << place << side;
    }
  }
}

TEST_F(ModuleTiming, TellsHowManyCallsWereRightWhateverTheVerdict) {
  const Evaluation right = EvaluateTimed(Candidate("        return right\n"));
  ASSERT_TRUE(right.module.has_value());
  EXPECT_EQ(right.module->calls, 3);
  EXPECT_EQ(right.module->oracle, "fp64");
  const Evaluation wrong =
      EvaluateTimed(Candidate("        return right if self.calls < 3 else right + 1\n"));
  EXPECT_STREQ(OutcomeName(wrong.outcome), "nondeterministic") << OutcomeSummary(wrong.outcome);
  ASSERT_TRUE(wrong.module.has_value());
  EXPECT_EQ(wrong.module->calls, 2);
  EXPECT_EQ(wrong.module->oracle, "fp64");
}

TEST_F(ModuleTiming, CallsTheFailureOfARivalAnOutcome) {
  const std::string ends = Candidate(
      "        if self.calls > 6:\n"
      "            import os; os._exit(0)\n"
      "        return right\n");
  const Evaluation beside = EvaluateTimed(Candidate("        return right\n"), ends);
  const auto* const rejected = std::get_if<Rejected>(&beside.outcome);
  ASSERT_NE(rejected, nullptr) << OutcomeSummary(beside.outcome);
  EXPECT_EQ(rejected->rule, "rival_fails");
  EXPECT_NE(rejected->evidence.find("ends_process"), std::string::npos) << rejected->evidence;
  const Evaluation itself = EvaluateTimed(ends, ends);
  const auto* const own = std::get_if<Rejected>(&itself.outcome);
  ASSERT_NE(own, nullptr) << OutcomeSummary(itself.outcome);
  EXPECT_EQ(own->rule, "ends_process");
}

// The module's own file plays the trusted side's part: it fails whenever a candidate is there.
TEST_F(ModuleTiming, CallsWhatFailsBesideACandidateItsOutcome) {
  ModuleSource module = kModule;
  module.text +=
      "from kernelsmith.modules import reference\n"
      "def fail(self, request, files):\n"
      "    raise RuntimeError('no device')\n"
      "reference.Server.do_draw = reference.Server.do_stage = fail\n";
  auto session =
      ModuleSession::Create(sandbox(), python(), {}, EvaluationConfig{}.memory_limit_bytes, 1, {});
  ASSERT_TRUE(session.ok()) << session.error().message;
  auto judge = ModuleJudge::Create(*std::move(session), module, {}, 1, {});
  ASSERT_TRUE(judge.ok()) << judge.error().message;
  CompiledKernel kernel;
  kernel.binary = slow_;
  StageSeconds seconds;
  const auto checked = (*judge)->Check(kernel, 1, seconds, {});
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  ASSERT_TRUE(checked->fault.has_value());
  EXPECT_NE(OutcomeSummary(*checked->fault).find("no device"), std::string::npos);
  const auto compared = (*judge)->Compare(kernel, kernel, {}, seconds, {});
  ASSERT_TRUE(compared.ok()) << compared.error().message;
  ASSERT_TRUE(compared->fault.has_value());
  EXPECT_STREQ(OutcomeName(*compared->fault), "crashed");
}

TEST_F(ModuleTiming, RefusesADestroyedInputOfATimedCall) {
  const Evaluation evaluation =
      EvaluateTimed(Candidate("        if self.calls > 6:\n"
                              "            x.zero_()\n"
                              "        return right\n"));
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "out_of_bounds")
      << OutcomeSummary(evaluation.outcome);
}

TEST_F(ModuleTiming, LetsARivalOfOurOwnHaveThreads) {
  const std::string busy = Candidate(
      "        import threading\n"
      "        if self.calls == 1:\n"
      "            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
      "        time.sleep(0.003)\n"
      "        return right\n");
  for (const bool own : {false, true}) {
    EvaluationRequest request;
    request.source = Candidate("        return right\n");
    request.baseline_source = busy;
    request.own_baseline = own;
    const auto evaluation = parts_->evaluator->Evaluate(request, {});
    ASSERT_TRUE(evaluation.ok()) << evaluation.error().message;
    EXPECT_STREQ(OutcomeName(evaluation->outcome), own ? "measured" : "rejected")
        << OutcomeSummary(evaluation->outcome);
  }
}

TEST_F(ModuleTiming, SharesItsHostsWithTheJudgeOfAnotherModule) {
  auto session =
      ModuleSession::Create(sandbox(), python(), {}, EvaluationConfig{}.memory_limit_bytes, 1, {});
  ASSERT_TRUE(session.ok()) << session.error().message;
  std::vector<std::unique_ptr<ModuleJudge>> judges;
  for (int i = 0; i < 2; ++i) {
    auto judge = ModuleJudge::Create(*session, kModule, {}, 1, {});
    ASSERT_TRUE(judge.ok()) << judge.error().message;
    judges.push_back(*std::move(judge));
  }
  std::vector<std::future<std::string>> outcomes;
  for (const auto& judge : judges) {
    outcomes.push_back(std::async(std::launch::async, [this, &judge]() -> std::string {
      CompiledKernel slow, fast;
      slow.binary = slow_;
      fast.binary = Candidate("        return right\n");
      StageSeconds seconds;
      for (const CompiledKernel* const kernel : {&slow, &fast}) {
        const auto checked = judge->Check(*kernel, 1, seconds, {});
        if (!checked.ok()) return checked.error().message;
        if (checked->fault) return OutcomeSummary(*checked->fault);
      }
      const auto compared = judge->Compare(slow, fast, {}, seconds, {});
      if (!compared.ok()) return compared.error().message;
      if (compared->fault) return OutcomeSummary(*compared->fault);
      return compared->gain.mid > 2 ? "faster" : "slower";
    }));
  }
  for (auto& outcome : outcomes) EXPECT_EQ(outcome.get(), "faster");
}

TEST_F(ModuleTiming, GoesOnAfterTheEndOfACandidate) {
  const Evaluation ended =
      EvaluateTimed(Candidate("        import os\n"
                              "        if self.calls > 6:\n"
                              "            os._exit(0)\n"
                              "        return right\n"));
  EXPECT_STREQ(OutcomeName(ended.outcome), "rejected") << OutcomeSummary(ended.outcome);
  const Evaluation honest = EvaluateTimed(slow_);
  EXPECT_STREQ(OutcomeName(honest.outcome), "measured") << OutcomeSummary(honest.outcome);
}

TEST_F(ModuleTiming, GoesOnAfterACrash) {
  const Evaluation killed =
      EvaluateTimed(Candidate("        import os, signal\n"
                              "        os.kill(os.getpid(), signal.SIGSEGV)\n"
                              "        return right\n"));
  EXPECT_STREQ(OutcomeName(killed.outcome), "crashed") << OutcomeSummary(killed.outcome);
  EXPECT_STREQ(OutcomeName(EvaluateTimed(slow_).outcome), "measured");
}

}  // namespace
}  // namespace ks
