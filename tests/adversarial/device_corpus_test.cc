// Every candidate of tests/adversarial/{opencl,cuda,triton}/ gets one of the verdicts named in its
// first line and gains nothing, and the device goes on working afterwards. Skipped, with the
// reason, where there is no such device or compiler.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "cli/wiring.h"
#include "tests/adversarial/corpus.h"

namespace ks {
namespace {

constexpr char kReference[] =
    "#include <cstdint>\n"
    "extern \"C\" void scale_add(const double* x, const double* y, double* out, int64_t n) {\n"
    "  for (int64_t i = 0; i < n; ++i) out[i] = 2.0 * x[i] + y[i];\n}\n";

// The corpus travels beside the test when it runs on another machine.
std::string CorpusDir() {
  const char* const dir = std::getenv("KS_CORPUS_DIR");  // NOLINT(concurrency-mt-unsafe)
  return dir != nullptr ? dir : KS_DEVICE_CORPUS_DIR;
}

struct Case : CorpusCase {
  std::string backend;

  friend void PrintTo(const Case& one, std::ostream* out) {
    *out << one.backend << "/" << one.name;
  }
  bool honest() const { return name.rfind("honest", 0) == 0; }
};

std::vector<Case> Corpus(const std::string& backend) {
  std::vector<Case> cases;
  for (CorpusCase& one : ReadCorpus(CorpusDir() + "/" + backend)) {
    cases.push_back({std::move(one), backend});
  }
  return cases;
}

std::vector<Case> WholeCorpus() {
  std::vector<Case> cases;
  for (const char* backend : {"opencl", "cuda", "triton"}) {
    for (Case& one : Corpus(backend)) cases.push_back(std::move(one));
  }
  return cases;
}

std::string HonestSource(const std::string& backend) {
  for (const Case& one : Corpus(backend)) {
    if (one.name.rfind("honest.", 0) == 0) return one.source;
  }
  return "";
}

Task ScaleAdd(const std::string& backend) {
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
    task.workloads.push_back({fmt::format("n={}", n), {{"n", n}}, WorkloadRole::kCheck, ""});
  }
  task.workloads.push_back({"n=250007", {{"n", 250007}}, WorkloadRole::kTime, ""});
  task.flops = "2*n";
  task.reference_file = "reference.cc";
  task.reference_source = kReference;
  task.seeds = {{backend, "honest", HonestSource(backend)}};
  task.hash = "adversarial-scale-add-" + backend;
  return task;
}

// One backend and evaluator for all of its cases: a candidate that spoils them shows in the next.
struct Bench {
  Task task;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Evaluator> evaluator;
  std::string missing;  // why there is none
};

class DeviceAdversarial : public testing::TestWithParam<Case> {
 protected:
  static Bench& BenchOf(const std::string& name) {
    static std::map<std::string, Bench> benches;
    const auto [at, made] = benches.try_emplace(name);
    Bench& bench = at->second;
    if (!made) return bench;
    bench.task = ScaleAdd(name);
    Result<std::unique_ptr<Backend>> backend = OpenBackend(name);
    if (!backend.ok()) {
      bench.missing = backend.error().message;
      return bench;
    }
    bench.backend = *std::move(backend);
    EvaluationConfig config;
    config.call_timeout_s = 2;
    config.compile_timeout_s = 15;
    config.memory_limit_bytes = int64_t{4} << 30;
    bench.evaluator = MakeEvaluator(bench.task, *bench.backend, config);
    return bench;
  }

  static Result<Evaluation> Judge(Bench& bench, const std::string& source, bool time = true) {
    EvaluationRequest request;
    request.source = source;
    request.stages.time = time;
    request.baseline_source = bench.task.seeds.front().source;
    return bench.evaluator->Evaluate(request, {});
  }
};

TEST_P(DeviceAdversarial, GetsItsVerdictGainsNothingAndLeavesTheDeviceWorking) {
  const Case& one = GetParam();
  ASSERT_FALSE(one.verdicts.empty()) << one.name << " has no `expect:` line";
  Bench& bench = BenchOf(one.backend);
  if (!bench.missing.empty()) GTEST_SKIP() << bench.missing;
  const Result<Evaluation> evaluation = Judge(bench, one.source);
  ASSERT_TRUE(evaluation.ok()) << evaluation.error().message;
  const std::string verdict = OutcomeName(evaluation->outcome);
  EXPECT_NE(std::find(one.verdicts.begin(), one.verdicts.end(), verdict), one.verdicts.end())
      << one.name << ": " << OutcomeSummary(evaluation->outcome);
  const Measured* measured = AsMeasured(evaluation->outcome);
  if (measured != nullptr && !one.honest()) {
    EXPECT_FALSE(measured->gain_significant) << one.name << " gained " << measured->gain.mid;
  }
  EXPECT_FALSE(std::filesystem::exists("/usr/ksmith-was-here"));
  if (measured != nullptr) return;  // what ran to its end spoils nothing
  const Result<Evaluation> after = Judge(bench, bench.task.seeds.front().source, /*time=*/false);
  ASSERT_TRUE(after.ok()) << after.error().message;
  EXPECT_NE(AsMeasured(after->outcome), nullptr) << OutcomeSummary(after->outcome);
}

INSTANTIATE_TEST_SUITE_P(All, DeviceAdversarial, testing::ValuesIn(WholeCorpus()),
                         [](const testing::TestParamInfo<Case>& one) {
                           return one.param.backend + "_" +
                                  one.param.name.substr(0, one.param.name.find('.'));
                         });

TEST(DeviceAdversarialCorpus, IsThere) {
  EXPECT_GE(Corpus("cuda").size(), 45u);
  EXPECT_GE(Corpus("opencl").size(), 35u);
  EXPECT_GE(Corpus("triton").size(), 15u);
}

}  // namespace
}  // namespace ks
