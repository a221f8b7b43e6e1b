// Honesty of the whole evaluator: sandboxed processes, shared buffers, paired timing, stopping.
//   evaluator_honesty [--pairs 1000] [--trials 200] [--core N]
// A/A: one kernel against itself; how many comparisons claim a significant gain. Power: a kernel
// that does 3 % less work; how many comparisons find it. Prints one JSON line.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "base/rng.h"
#include "core/config.h"
#include "evaluate/time_stage.h"

namespace ks {
namespace {

// y = x after `rounds` empty rounds an element: the time is proportional to `rounds`.
std::string SpinSource(int rounds) {
  return fmt::format(
      "// ksmith: flags -O2\n#include <cstdint>\n"
      "extern \"C\" void spin(const float* x, float* y, int64_t n) {{\n"
      "  for (int64_t i = 0; i < n; ++i) {{\n"
      "    for (int r = 0; r < {}; ++r) asm volatile(\"\" : \"+r\"(r));\n"
      "    y[i] = x[i];\n  }}\n}}\n",
      rounds);
}

Task SpinTask() {
  Task task;
  task.name = task.entry = "spin";
  task.axes = {"n"};
  BufferSpec x;
  x.name = "x";
  x.shape = {"n"};
  BufferSpec y = x;
  y.name = "y";
  task.inputs = {x};
  task.outputs = {y};
  task.workloads = {{"n=512", {{"n", 512}}, WorkloadRole::kTime}};
  task.hash = "spin";
  return task;
}

struct Tally {
  int runs = 0;
  int gains = 0;
  int losses = 0;
  double seconds = 0;
  double pairs = 0;
  std::vector<double> ratios;
};

Result<Tally> Compare(const Task& task, ProcessBackend& backend, const EvaluationConfig& config,
                      int core, const CompiledKernel& rival, const CompiledKernel& kernel,
                      int runs) {
  Tally tally;
  const auto begin = std::chrono::steady_clock::now();
  for (; tally.runs < runs; ++tally.runs) {
    TimingPlan plan;
    plan.rule.confidence = config.confidence;
    plan.rule.target_width = config.target_width;
    plan.rule.margin = config.gain_margin;
    plan.rule.min_pairs = config.min_pairs;
    plan.rule.max_pairs = config.max_pairs;
    plan.rule.budget_ns = config.time_budget_s * 1e9;
    plan.secret_seed = SecretSeed();
    PairTimer timer(task, backend, config, plan, core);
    KS_ASSIGN_OR_RETURN(const TimingResult result, timer.Run(rival, kernel, {}));
    if (result.fault) {
      return Error{ErrorCode::kInternal, "an honest kernel: " + OutcomeSummary(*result.fault)};
    }
    tally.gains += IsSignificantGain(result.gain, config.gain_margin) ? 1 : 0;
    tally.losses += IsSignificantLoss(result.gain, config.gain_margin) ? 1 : 0;
    tally.pairs += result.timings.front().pairs;
    tally.ratios.push_back(result.gain.mid);
  }
  tally.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::sort(tally.ratios.begin(), tally.ratios.end());
  return tally;
}

void Print(const char* name, const Tally& tally) {
  const auto at = [&](double q) {
    return tally.ratios.empty()
               ? 0.0
               : tally
                     .ratios[static_cast<size_t>(q * static_cast<double>(tally.ratios.size() - 1))];
  };
  const double runs = std::max(1, tally.runs);
  fmt::print(
      "\"{}\":{{\"comparisons\":{},\"significant_gains\":{},\"significant_losses\":{},"
      "\"seconds_each\":{:.3f},\"pairs_each\":{:.1f},\"ratio_p1\":{:.4f},\"ratio_p50\":{:.4f},"
      "\"ratio_p99\":{:.4f}}}",
      name, tally.runs, tally.gains, tally.losses, tally.seconds / runs, tally.pairs / runs,
      at(0.01), at(0.5), at(0.99));
}

Result<CompiledKernel> Build(Backend& backend, const Task& task, int rounds) {
  KS_ASSIGN_OR_RETURN(CompileOutcome outcome, backend.Compile(task, SpinSource(rounds), {}, {}));
  if (auto* kernel = std::get_if<CompiledKernel>(&outcome)) return std::move(*kernel);
  return Error{ErrorCode::kInternal, "the spin kernel does not compile"};
}

Status Run(int pairs, int trials, int core) {
  const Task task = SpinTask();
  const EvaluationConfig config;
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<CpuBackend> backend, CpuBackend::Create({}));
  KS_ASSIGN_OR_RETURN(const CompiledKernel slow, Build(*backend, task, 1000));
  KS_ASSIGN_OR_RETURN(const CompiledKernel fast, Build(*backend, task, 970));
  KS_ASSIGN_OR_RETURN(const Tally same, Compare(task, *backend, config, core, slow, slow, pairs));
  KS_ASSIGN_OR_RETURN(const Tally gain, Compare(task, *backend, config, core, slow, fast, trials));
  fmt::print("{{\"bench\":\"evaluator_honesty\",\"confidence\":{},\"margin\":{},",
             config.confidence, config.gain_margin);
  Print("same_kernel", same);
  fmt::print(",");
  Print("three_percent_less_work", gain);
  fmt::print("}}\n");
  return {};
}

}  // namespace
}  // namespace ks

int main(int argc, char** argv) {
  int pairs = 1000;
  int trials = 200;
  int core = -1;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    int* target = option == "--pairs"    ? &pairs
                  : option == "--trials" ? &trials
                  : option == "--core"   ? &core
                                         : nullptr;
    if (target == nullptr) {
      fmt::print(stderr, "usage: evaluator_honesty [--pairs N] [--trials N] [--core N]\n");
      return 2;
    }
    *target = std::atoi(argv[i + 1]);
  }
  const ks::Status status = ks::Run(pairs, trials, core);
  if (!status.ok()) fmt::print(stderr, "{}\n", status.error().message);
  return status.ok() ? 0 : 1;
}
