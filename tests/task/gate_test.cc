#include "task/gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>

#include "task/impostors.h"

namespace ks {
namespace {

using Values = std::vector<double>;
using Kernel = std::function<Values(const Values& x)>;

Values Doubled(const Values& x) {
  Values y(x);
  for (double& value : y) value *= 2;
  return y;
}

// Plays a task with one input `x` and one output `y` of as many elements.
class FakeGateRunner final : public GateRunner {
 public:
  explicit FakeGateRunner(DType output = DType::kF32) : output_(output) {}
  Result<std::vector<Bytes>> Reference(const Workload&, const std::vector<Bytes>& inputs) override {
    ++calls;
    return std::vector<Bytes>{
        FromDoubles(OracleType(output_), reference(AsDoubles(DType::kF32, inputs[0])))};
  }
  Result<std::variant<std::vector<Bytes>, Outcome>> Seed(
      const Workload&, const std::vector<Bytes>& inputs) override {
    if (failure) return std::variant<std::vector<Bytes>, Outcome>(*failure);
    return std::variant<std::vector<Bytes>, Outcome>(
        std::vector<Bytes>{FromDoubles(output_, seed(AsDoubles(DType::kF32, inputs[0])))});
  }

  Kernel reference = Doubled;
  Kernel seed = Doubled;
  std::optional<Outcome> failure;
  int calls = 0;

 private:
  const DType output_;
};

Task DoublingTask(DType output = DType::kF32) {
  Task task;
  task.axes = {"n"};
  BufferSpec buffer;
  buffer.name = "x";
  buffer.shape = {"n"};
  task.inputs = {buffer};
  buffer.name = "y";
  buffer.dtype = output;
  task.outputs = {buffer};
  task.tolerance = {1e-5, 1e-9, 1.0, 1e-5};
  for (const int64_t n : {1, 3, 31}) {
    task.workloads.push_back({"n=" + std::to_string(n), {{"n", n}}, WorkloadRole::kCheck});
  }
  task.workloads.push_back({"n=500", {{"n", 500}}, WorkloadRole::kTime});
  return task;
}

// The same in half precision, with the tolerance that it needs.
Task HalfTask() {
  Task task = DoublingTask(DType::kF16);
  task.precision = "f16";
  task.tolerance = {1e-3, 1e-9, 1.0, 1e-3};
  return task;
}

// Names of the failed checks.
std::vector<std::string> Failed(const Task& task, FakeGateRunner& runner) {
  const auto report = RunGate(task, runner, 1);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
  std::vector<std::string> names;
  if (!report) return names;
  for (const GateCheck& check : report->checks) {
    EXPECT_EQ(check.passed, check.reason.empty());
    if (!check.passed) names.push_back(check.name);
  }
  EXPECT_EQ(report->admitted(), names.empty());
  return names;
}

using Names = std::vector<std::string>;

TEST(Gate, AdmitsASoundTask) {
  FakeGateRunner runner;
  EXPECT_EQ(Failed(DoublingTask(), runner), Names{});
}

TEST(Gate, RefusesAToleranceThatLetsZerosPass) {
  FakeGateRunner runner;
  Task task = DoublingTask();
  task.tolerance.absolute = 100;
  const Names failed = Failed(task, runner);
  EXPECT_NE(std::find(failed.begin(), failed.end(), "zeros"), failed.end());
  EXPECT_NE(std::find(failed.begin(), failed.end(), "other_seed"), failed.end());
}

TEST(Gate, RefusesAToleranceThatLetsHalfPrecisionPass) {
  FakeGateRunner runner;
  Task task = DoublingTask();
  task.tolerance = {1e-3, 1e-9, 1.0, 1e-3};
  EXPECT_EQ(Failed(task, runner), Names{"lower_precision"});
}

TEST(Gate, RefusesAToleranceThatTheDeclaredPrecisionCannotMeet) {
  FakeGateRunner runner;
  runner.reference = [](const Values& x) {
    Values y(x);
    for (double& value : y) value *= 2.1;
    return y;
  };
  runner.seed = runner.reference;
  Task task = DoublingTask();
  task.tolerance = {1e-9, 0, 1.0, 1e-9};
  EXPECT_EQ(Failed(task, runner), (Names{"declared_precision", "seed_kernel"}));
}

TEST(Gate, RefusesAnIdentity) {
  FakeGateRunner runner;
  runner.reference = runner.seed = [](const Values& x) { return x; };
  EXPECT_EQ(Failed(DoublingTask(), runner), Names{"first_input"});
}

TEST(Gate, RefusesAConstantOutput) {
  FakeGateRunner runner;
  runner.reference = runner.seed = [](const Values& x) { return Values(x.size(), 1.0); };
  EXPECT_EQ(Failed(DoublingTask(), runner),
            (Names{"degenerate", "ones", "permuted", "other_seed", "lower_precision"}));
}

TEST(Gate, RefusesAnOutputThatDoesNotDependOnItsInput) {
  FakeGateRunner runner;
  runner.reference = runner.seed = [](const Values& x) {
    Values y(x.size());
    for (size_t i = 0; i < y.size(); ++i) y[i] = 0.1 * static_cast<double>(i) + 0.3;
    return y;
  };
  EXPECT_EQ(Failed(DoublingTask(), runner), Names{"other_seed"});
}

TEST(Gate, RefusesAnOutputWhoseOrderDoesNotMatter) {
  FakeGateRunner runner(DType::kI32);
  runner.reference = runner.seed = [](const Values& x) {
    double sum = 0;
    for (const double value : x) sum += value * 1000;
    return Values(x.size(), std::floor(sum));
  };
  EXPECT_EQ(Failed(DoublingTask(DType::kI32), runner), (Names{"degenerate", "permuted"}));
}

TEST(Gate, RefusesAWrongSeedAndSaysWhere) {
  FakeGateRunner runner;
  runner.seed = [](const Values& x) {
    Values y = Doubled(x);
    if (y.size() == 31) y[30] = 7;
    return y;
  };
  const auto report = RunGate(DoublingTask(), runner, 1);
  ASSERT_TRUE(report.ok());
  EXPECT_NE(
      report->Refusal().find("seed_kernel: on n=31, input variant 0, output 'y': element 30 is 7"),
      std::string::npos)
      << report->Refusal();
}

TEST(Gate, RefusesASeedThatFailsOnlyOnUnusualInputs) {
  FakeGateRunner runner;
  runner.seed = [](const Values& x) {
    Values y = Doubled(x);
    for (double& value : y) value = std::min(value, 40.0);
    return y;
  };
  const auto report = RunGate(DoublingTask(), runner, 1);
  ASSERT_TRUE(report.ok());
  EXPECT_NE(report->Refusal().find("input variant 1"), std::string::npos) << report->Refusal();
}

TEST(Gate, RefusesASeedThatCrashes) {
  FakeGateRunner runner;
  runner.failure = Crashed{"n=1", 11, ""};
  EXPECT_EQ(Failed(DoublingTask(), runner), Names{"seed_kernel"});
}

TEST(Gate, RefusesAReferenceThatChangesFromCallToCall) {
  FakeGateRunner runner;
  runner.reference = [&runner](const Values& x) {
    Values y = Doubled(x);
    y[0] += 1e-12 * runner.calls;
    return y;
  };
  EXPECT_EQ(Failed(DoublingTask(), runner), Names{"deterministic"});
}

TEST(Rounding, KeepsTheAskedNumberOfBits) {
  EXPECT_EQ(RoundedTo(1.0 + 0x1p-24, 24), 1.0);
  EXPECT_EQ(RoundedTo(1.0 + 0x1p-23, 24), 1.0 + 0x1p-23);
  EXPECT_EQ(RoundedTo(-3.14159, 8), -3.140625);
  EXPECT_EQ(RoundedTo(0.0, 8), 0.0);
}

TEST(Gate, AdmitsATaskWithHalvesAndRefusesCoarserKernels) {
  FakeGateRunner runner(DType::kF16);
  EXPECT_EQ(Failed(HalfTask(), runner), Names{});
  runner.seed = [](const Values& x) {
    Values y = Doubled(x);
    for (double& value : y) value = RoundedTo(value, 8);
    return y;
  };
  EXPECT_EQ(Failed(HalfTask(), runner), Names{"seed_kernel"});
}

}  // namespace
}  // namespace ks
