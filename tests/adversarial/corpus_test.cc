// Every candidate of tests/adversarial/cpu/ gets the verdict named in its first line, gains
// nothing, and leaves no process and no file behind.
#include <dirent.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "base/file.h"
#include "base/text.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/process_judge.h"
#include "tests/adversarial/corpus.h"

namespace ks {
namespace {

constexpr char kSeed[] =
    "// ksmith: flags -O2\n#include <cstdint>\n"
    "extern \"C\" void scale_add(const float* x, const float* y, float* out, int64_t n) {\n"
    "  for (int64_t i = 0; i < n; ++i) out[i] = 2.0f * x[i] + y[i];\n}\n";
constexpr char kReference[] =
    "#include <cstdint>\n"
    "extern \"C\" void scale_add(const double* x, const double* y, double* out, int64_t n) {\n"
    "  for (int64_t i = 0; i < n; ++i) out[i] = 2.0 * x[i] + y[i];\n}\n";

Task ScaleAdd() {
  Task task;
  task.name = task.entry = "scale_add";
  task.axes = {"n"};
  BufferSpec buffer;
  buffer.shape = {"n"};
  for (const char* name : {"x", "y"}) {
    buffer.name = name;
    task.inputs.push_back(buffer);
  }
  buffer.name = "out";
  task.outputs = {buffer};
  for (int64_t n : {1, 7, 33, 1009}) {
    task.workloads.push_back({fmt::format("n={}", n), {{"n", n}}, WorkloadRole::kCheck});
  }
  task.workloads.push_back({"n=250007", {{"n", 250007}}, WorkloadRole::kTime});
  task.flops = "2*n";
  task.reference_file = "reference.cc";
  task.reference_source = kReference;
  task.seeds = {{"cpu", "seed.cc", kSeed}};
  task.hash = "adversarial-scale-add";
  return task;
}

using Case = CorpusCase;

std::vector<Case> Corpus() { return ReadCorpus(KS_CORPUS_DIR); }

// Children of this process, running or not yet reaped.
int Children() {
  int count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    const Result<std::string> list =
        PosixFileSystem().Read(thread.path().string() + "/children", kMaxTextFileBytes);
    if (list.ok()) count += static_cast<int>(SplitWords(*list).size());
  }
  return count;
}

class Adversarial : public testing::TestWithParam<Case> {
 protected:
  static void SetUpTestSuite() {
    Result<std::unique_ptr<CpuBackend>> backend = CpuBackend::Create({});
    ASSERT_TRUE(backend.ok()) << backend.error().message;
    shared_ = std::make_unique<Shared>(ScaleAdd(), *std::move(backend));
    EvaluationConfig config;
    config.call_timeout_s = 1;
    config.compile_timeout_s = 10;
    config.memory_limit_bytes = int64_t{1} << 30;
    shared_->evaluator = std::make_unique<LocalEvaluator>(
        shared_->task, *shared_->backend,
        std::make_unique<ProcessJudge>(shared_->task, *shared_->backend, config, -1), config);
  }
  static void TearDownTestSuite() { shared_.reset(); }

  struct Shared {
    Shared(Task t, std::unique_ptr<CpuBackend> b) : task(std::move(t)), backend(std::move(b)) {}
    Task task;
    std::unique_ptr<CpuBackend> backend;
    std::unique_ptr<LocalEvaluator> evaluator;
  };
  static std::unique_ptr<Shared> shared_;
};

std::unique_ptr<Adversarial::Shared> Adversarial::shared_;

TEST_P(Adversarial, GetsItsVerdictAndLeavesNothing) {
  const Case& one = GetParam();
  ASSERT_FALSE(one.verdicts.empty()) << one.name << " has no `// expect:` line";
  EvaluationRequest request;
  request.source = one.source;
  request.baseline_source = kSeed;
  const Result<Evaluation> evaluation = shared_->evaluator->Evaluate(request, {});
  ASSERT_TRUE(evaluation.ok()) << evaluation.error().message;
  const std::string verdict = OutcomeName(evaluation->outcome);
  EXPECT_NE(std::find(one.verdicts.begin(), one.verdicts.end(), verdict), one.verdicts.end())
      << one.name << ": " << OutcomeSummary(evaluation->outcome);
  const Measured* measured = AsMeasured(evaluation->outcome);
  if (measured != nullptr && one.name != "honest_fast.cc") {
    EXPECT_FALSE(measured->gain_significant) << one.name << " gained " << measured->gain.mid;
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/ksmith-adversarial-file"));
}

TEST_P(Adversarial, LeavesNoProcess) {
  EvaluationRequest request;
  request.source = GetParam().source;
  request.baseline_source = kSeed;
  {
    EvaluationConfig config;
    config.call_timeout_s = 1;
    config.compile_timeout_s = 10;
    config.check_trials = 1;
    config.memory_limit_bytes = int64_t{1} << 30;
    LocalEvaluator evaluator(
        shared_->task, *shared_->backend,
        std::make_unique<ProcessJudge>(shared_->task, *shared_->backend, config, -1), config);
    const int before = Children();
    request.stages.time = false;
    ASSERT_TRUE(evaluator.Evaluate(request, {}).ok());
    EXPECT_LE(Children(), before + 1) << "beyond the oracle's process";
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, Adversarial, testing::ValuesIn(Corpus()),
                         [](const testing::TestParamInfo<Case>& one) {
                           return one.param.name.substr(0, one.param.name.find('.'));
                         });

TEST(AdversarialCorpus, IsThere) { EXPECT_GE(Corpus().size(), 50u); }

}  // namespace
}  // namespace ks
