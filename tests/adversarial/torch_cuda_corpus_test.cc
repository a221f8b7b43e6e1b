// Every candidate of tests/adversarial/torch_cuda/ gets one of the verdicts in its first line when
// it is checked and timed on a CUDA device, and none gains anything.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "backend/torch/module_backend.h"
#include "backend/triton/python_env.h"
#include "base/file.h"
#include "base/text.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/torch/module_judge.h"
#include "evaluate/torch/module_task.h"
#include "sandbox/sandbox.h"
#include "tests/adversarial/corpus.h"

namespace ks {
namespace {

std::string Environment(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

std::optional<std::string> VisibleDevices() {
  const char* const value = std::getenv("CUDA_VISIBLE_DEVICES");
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string CorpusFolder() { return Environment("KS_CORPUS_DIR", KS_TORCH_CORPUS_DIR); }

using Case = CorpusCase;

std::vector<Case> Corpus() { return ReadCorpus(CorpusFolder() + "/torch_cuda", ".py"); }

// One evaluator for all: what a candidate spoils must show in the next.
struct Parts {
  std::unique_ptr<Sandbox> sandbox;
  Task task;
  std::unique_ptr<ModuleBackend> backend;
  std::unique_ptr<LocalEvaluator> evaluator;
};

Result<std::unique_ptr<Parts>> Open() {
  auto parts = std::make_unique<Parts>();
  KS_ASSIGN_OR_RETURN(
      const ModuleDevice device,
      FindCudaModuleDevice(VisibleDevices(), Environment("LD_LIBRARY_PATH", ""), 0));
  KS_ASSIGN_OR_RETURN(PythonEnvironment python,
                      ProbePython(Environment("KSMITH_PYTHON", "python3"),
                                  Environment("PATH", "/usr/local/bin:/usr/bin:/bin")));
  KS_ASSIGN_OR_RETURN(parts->sandbox, Sandbox::Create());
  EvaluationConfig config;
  config.check_trials = 2;
  config.time_budget_s = 0.3;
  const std::string path = CorpusFolder() + "/torch/reference/linear_relu_add.py";
  KS_ASSIGN_OR_RETURN(std::string text, PosixFileSystem().Read(path, kMaxTextFileBytes));
  const ModuleSource module{path, std::move(text)};
  parts->task = ModuleTask(module, {});
  KS_ASSIGN_OR_RETURN(auto session,
                      ModuleSession::Create(*parts->sandbox, std::move(python), device,
                                            config.memory_limit_bytes, 1, {}));
  KS_ASSIGN_OR_RETURN(auto judge, ModuleJudge::Create(std::move(session), module, config, 1, {}));
  parts->backend = std::make_unique<ModuleBackend>(Machine{}, judge->Versions());
  parts->evaluator =
      std::make_unique<LocalEvaluator>(parts->task, *parts->backend, std::move(judge), config);
  return parts;
}

class AdversarialTorchCuda : public testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    auto parts = Open();
    if (parts.ok()) {
      parts_ = *std::move(parts);
    } else {
      problem_ = parts.error().message;
    }
  }
  static void TearDownTestSuite() { parts_.reset(); }
  static Evaluation Evaluate(const std::string& source, bool call_by_call) {
    EvaluationRequest request;
    request.source = source;
    request.call_by_call = call_by_call;
    request.baseline_source = parts_->task.seeds.front().source;
    const auto evaluation = parts_->evaluator->Evaluate(request, {});
    EXPECT_TRUE(evaluation.ok()) << evaluation.error().message;
    return evaluation.value_or(Evaluation());
  }

  inline static std::unique_ptr<Parts> parts_;
  inline static std::string problem_;
};

TEST_P(AdversarialTorchCuda, GetsItsVerdictAndGainsNothing) {
  if (parts_ == nullptr) GTEST_SKIP() << problem_;
  const Case& one = GetParam();
  ASSERT_FALSE(one.verdicts.empty()) << one.name << " has no `# expect:` line";
  const Evaluation evaluation = Evaluate(one.source, /*call_by_call=*/true);
  const std::string verdict = OutcomeName(evaluation.outcome);
  std::cout << one.name << ": " << OutcomeSummary(evaluation.outcome) << '\n';
  EXPECT_NE(std::ranges::find(one.verdicts, verdict), one.verdicts.end())
      << OutcomeSummary(evaluation.outcome);
  const Measured* const measured = AsMeasured(evaluation.outcome);
  if (measured == nullptr) return;
  ASSERT_FALSE(measured->timings.empty());
  if (!one.name.starts_with("honest")) {
    EXPECT_FALSE(measured->gain_significant) << OutcomeSummary(evaluation.outcome);
  }
}

// What cheats in Python does not run while a graph is replayed: it may be as good as an honest one.
TEST_P(AdversarialTorchCuda, GainsNothingAsAGraph) {
  if (parts_ == nullptr) GTEST_SKIP() << problem_;
  const Case& one = GetParam();
  const Evaluation evaluation = Evaluate(one.source, /*call_by_call=*/false);
  std::cout << one.name << ": " << OutcomeSummary(evaluation.outcome) << '\n';
  const Measured* const measured = AsMeasured(evaluation.outcome);
  if (!one.name.starts_with("honest")) {
    EXPECT_TRUE(measured == nullptr || !measured->gain_significant);
    return;
  }
  ASSERT_NE(measured, nullptr) << OutcomeSummary(evaluation.outcome);
  EXPECT_TRUE(evaluation.module->graphs);
}

INSTANTIATE_TEST_SUITE_P(Cuda, AdversarialTorchCuda, testing::ValuesIn(Corpus()),
                         [](const testing::TestParamInfo<Case>& one) { return one.param.name; });

TEST(AdversarialTorchCudaCorpus, IsThere) { EXPECT_GE(Corpus().size(), 15u); }

}  // namespace
}  // namespace ks
