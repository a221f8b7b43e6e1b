// The device path end to end on whatever OpenCL device this machine has: compile, check, time.
#include <gtest/gtest.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/opencl/opencl_backend.h"
#include "evaluate/device_judge.h"
#include "evaluate/local_evaluator.h"

namespace ks {
namespace {

constexpr const char* kSeed = R"(// ksmith: const BLOCK = 64
// ksmith: launch scale grid=(ceil_div(n, BLOCK)) block=(BLOCK)
__kernel void scale(__global const float* x, __global float* y, long n) {
  const long i = get_global_id(0);
  if (i < n) y[i] = 2 * x[i] + 1;
}
)";

Task ScaleTask() {
  Task task;
  task.name = task.entry = "scale";
  task.axes = {"n"};
  task.inputs.resize(1);
  task.inputs[0].name = "x";
  task.inputs[0].shape = {"n"};
  task.outputs = task.inputs;
  task.outputs[0].name = "y";
  task.flops = "2*n";
  for (const auto& [n, role] : {std::pair{int64_t{1} << 18, WorkloadRole::kTime},
                                std::pair{int64_t{1}, WorkloadRole::kCheck},
                                std::pair{int64_t{1031}, WorkloadRole::kCheck}}) {
    Workload workload;
    workload.name = "n=" + std::to_string(n);
    workload.axes = {{"n", n}};
    workload.role = role;
    task.workloads.push_back(workload);
  }
  task.reference_source =
      "#include <cstdint>\nextern \"C\" void scale(const double* x, double* y, int64_t n) {\n"
      "  for (int64_t i = 0; i < n; ++i) y[i] = 2 * x[i] + 1;\n}\n";
  task.seeds = {{"opencl", "seed.cl", kSeed}};
  task.hash = "scale";
  return task;
}

class OpenClEvaluationTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    CpuBackendOptions quick;
    quick.measure_ceilings = false;
    auto host = CpuBackend::Create(quick);
    if (!host.ok()) {
      why_ = new std::string(host.error().message);
      return;
    }
    OpenClOptions options;
    options.host = *std::move(host);
    auto backend = OpenClBackend::Create(std::move(options), {});
    if (!backend.ok()) {
      why_ = new std::string(backend.error().message);
      return;
    }
    backend_ = backend->release();
  }
  static void TearDownTestSuite() {
    delete backend_;
    delete why_;
    backend_ = nullptr;
    why_ = nullptr;
  }
  void SetUp() override {
    if (backend_ == nullptr) GTEST_SKIP() << "no OpenCL here: " << *why_;
    config_.check_trials = 2;
    config_.time_budget_s = 0.2;
    config_.max_pairs = 24;
    auto judge = std::make_unique<DeviceJudge>(task_, *backend_, config_, 9);
    evaluator_ = std::make_unique<LocalEvaluator>(task_, *backend_, std::move(judge), config_);
  }
  Evaluation Evaluate(std::string from, std::string to, Stages stages = {}) {
    EvaluationRequest request;
    request.stages = stages;
    request.source = kSeed;
    if (!from.empty()) request.source.replace(request.source.find(from), from.size(), to);
    const Result<Evaluation> evaluation = evaluator_->Evaluate(request, {});
    EXPECT_TRUE(evaluation.ok()) << evaluation.error().message;
    return evaluation.value_or({});
  }

  static OpenClBackend* backend_;
  static std::string* why_;
  const Task task_ = ScaleTask();
  EvaluationConfig config_;
  std::unique_ptr<LocalEvaluator> evaluator_;
};
OpenClBackend* OpenClEvaluationTest::backend_ = nullptr;
std::string* OpenClEvaluationTest::why_ = nullptr;

TEST_F(OpenClEvaluationTest, MeasuresARightKernelAndDescribesIt) {
  const Evaluation evaluation = Evaluate("BLOCK = 64", "BLOCK = 128");
  ASSERT_NE(AsMeasured(evaluation.outcome), nullptr) << OutcomeSummary(evaluation.outcome);
  ASSERT_EQ(AsMeasured(evaluation.outcome)->timings.size(), 1U);
  EXPECT_GT(AsMeasured(evaluation.outcome)->timings[0].median_ns, 1000);
  ASSERT_TRUE(evaluation.device);
  EXPECT_EQ(evaluation.device->threads_per_block, 128);
  EXPECT_EQ(evaluation.device->launches, 1);
  EXPECT_NE(evaluation.flags.find("-DBLOCK=128"), std::string::npos);
}

TEST_F(OpenClEvaluationTest, TellsFailuresApart) {
  Evaluation evaluation = Evaluate("2 * x[i]", "2 * z[i]");
  ASSERT_STREQ(OutcomeName(evaluation.outcome), "compile_failed");
  const auto& failed = std::get<CompileFailed>(evaluation.outcome);
  ASSERT_FALSE(failed.diagnostics.empty()) << failed.log;
  EXPECT_EQ(failed.diagnostics[0].line, 5) << failed.log;
  EXPECT_GT(failed.diagnostics[0].column, 1);
  evaluation = Evaluate("grid=(ceil_div(n, BLOCK))", "grid=(rows)");
  ASSERT_STREQ(OutcomeName(evaluation.outcome), "compile_failed");
  EXPECT_EQ(std::get<CompileFailed>(evaluation.outcome).diagnostics[0].line, 2);
  evaluation = Evaluate("block=(BLOCK)", "block=(1000000)");
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "launch_failed");
  evaluation = Evaluate("+ 1", "+ 1.001f");
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "wrong_result");
  evaluation = Evaluate("if (i < n) y[i]", "if (i < n + 5) y[i]");
  EXPECT_STREQ(OutcomeName(evaluation.outcome), "out_of_bounds");
}

TEST_F(OpenClEvaluationTest, EqualProgramsHaveEqualHashesAndOthersNot) {
  const Stages compile{true, false, false};
  const std::string seed = Evaluate("", "", compile).binary_hash;
  EXPECT_EQ(seed.size(), 64U);
  EXPECT_EQ(seed, Evaluate("", "", compile).binary_hash);
  EXPECT_NE(seed, Evaluate("BLOCK = 64", "BLOCK = 32", compile).binary_hash);
}

}  // namespace
}  // namespace ks
