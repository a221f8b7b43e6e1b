#include "evaluate/check_stage.h"

#include <algorithm>
#include <cstring>

#include "base/rng.h"
#include "core/compare.h"
#include "core/elements.h"

namespace ks {
namespace {

// Where two snapshots of one output differ; -1 when they are bitwise equal.
int64_t FirstDifference(DType dtype, const Bytes& a, const Bytes& b) {
  const auto [at, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (at == a.end()) return -1;
  return (at - a.begin()) / static_cast<std::ptrdiff_t>(SizeOf(dtype));
}

// One runner over all check workloads.
class Checker {
 public:
  Checker(const Task& task, Arena& arena, KernelRunner& runner, Oracle& oracle,
          const EvaluationConfig& config, std::stop_token stop)
      : task_(task),
        arena_(arena),
        runner_(runner),
        oracle_(oracle),
        config_(config),
        stop_(std::move(stop)),
        workloads_(task.WorkloadsOf(WorkloadRole::kCheck)) {}

  Result<std::optional<Outcome>> Trial(int trial, uint64_t seed) {
    std::vector<size_t> order(workloads_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    Rng rng(DeriveSeed(seed, "order", static_cast<uint64_t>(trial)));
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
    for (size_t index : order) {
      const uint64_t content =
          DeriveSeed(seed, "content", static_cast<uint64_t>(trial) * 1000 + index);
      KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault, One(index, content, trial));
      if (fault) return fault;
    }
    return std::optional<Outcome>();
  }

 private:
  Result<std::optional<Outcome>> One(size_t index, uint64_t seed, int trial) {
    const Workload& workload = *workloads_[index];
    KS_ASSIGN_OR_RETURN(const std::vector<Bytes> inputs, FillInputs(task_, workload, seed, trial));
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::memcpy(arena_.input(index, i).data(), inputs[i].data(), inputs[i].size());
    }
    std::vector<std::vector<Bytes>> got;
    const uint64_t repeats = trial == 0 ? 2 : 1;
    for (uint64_t repeat = 0; repeat < repeats; ++repeat) {
      arena_.Poison(index, seed + repeat);
      KS_ASSIGN_OR_RETURN(CallOutcome called, runner_.Call(index, config_.call_timeout_s, stop_));
      if (auto* fault = std::get_if<Outcome>(&called)) return std::optional(std::move(*fault));
      if (std::optional<OutOfBounds> broken = arena_.BrokenGuard(index)) {
        return std::optional<Outcome>(*std::move(broken));
      }
      got.push_back(Snapshot(index));
    }
    KS_ASSIGN_OR_RETURN(const std::vector<Bytes> want,
                        oracle_.Expected(workload, Views(inputs), stop_));
    std::optional<Outcome> fault = JudgeOutputs(task_, workload, Views(got.front()), want, false);
    if (!fault && got.size() > 1) fault = CompareRepeats(workload, got.front(), got.back());
    return fault;
  }

  std::vector<Bytes> Snapshot(size_t index) const {
    std::vector<Bytes> outputs;
    for (size_t i = 0; i < task_.outputs.size(); ++i) {
      const std::span<const std::byte> view = arena_.output(index, i);
      outputs.emplace_back(view.begin(), view.end());
    }
    return outputs;
  }

  std::optional<Outcome> CompareRepeats(const Workload& workload, const std::vector<Bytes>& first,
                                        const std::vector<Bytes>& second) const {
    if (task_.max_threads > 1) return std::nullopt;  // the order of a reduction may vary
    for (size_t i = 0; i < first.size(); ++i) {
      const DType dtype = task_.outputs[i].dtype;
      const int64_t at = FirstDifference(dtype, first[i], second[i]);
      if (at < 0) continue;
      return Nondeterministic{workload.name, task_.outputs[i].name, at,
                              ElementAt(dtype, first[i], at), ElementAt(dtype, second[i], at)};
    }
    return std::nullopt;
  }

  const Task& task_;
  Arena& arena_;
  KernelRunner& runner_;
  Oracle& oracle_;
  const EvaluationConfig& config_;
  std::stop_token stop_;
  std::vector<const Workload*> workloads_;
};

}  // namespace

std::optional<Outcome> JudgeOutputs(const Task& task, const Workload& workload,
                                    std::span<const std::span<const std::byte>> got,
                                    const std::vector<Bytes>& want, bool in_timed_call) {
  for (size_t i = 0; i < task.outputs.size(); ++i) {
    const BufferSpec& output = task.outputs[i];
    const std::optional<Mismatch> bad =
        CompareOutput(output.dtype, got[i], want[i], task.tolerance);
    if (!bad) continue;
    WrongResult wrong;
    wrong.workload = workload.name;
    wrong.output = output.name;
    wrong.index = bad->first_index;
    wrong.got = bad->got;
    wrong.want = bad->want;
    wrong.allowed = bad->allowed;
    wrong.mismatches = bad->mismatches;
    wrong.elements = bad->elements;
    wrong.max_error = bad->max_error;
    wrong.in_timed_call = in_timed_call;
    return wrong;
  }
  return std::nullopt;
}

Result<std::optional<Outcome>> RunCheck(const Task& task, const CompiledKernel& kernel,
                                        ProcessBackend& backend, Oracle& oracle,
                                        const EvaluationConfig& config, uint64_t secret_seed,
                                        std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Arena> arena,
                      backend.NewArena(task, task.WorkloadsOf(WorkloadRole::kCheck), false));
  RunnerOptions options;
  options.memory_limit_bytes = config.memory_limit_bytes;
  options.max_threads = task.max_threads;
  KS_ASSIGN_OR_RETURN(auto started, backend.NewRunner(task, kernel, *arena, options));
  if (auto* fault = std::get_if<Outcome>(&started)) return std::optional(std::move(*fault));
  const auto& runner = std::get<std::unique_ptr<KernelRunner>>(started);
  Checker checker(task, *arena, *runner, oracle, config, stop);
  for (int trial = 0; trial < config.check_trials; ++trial) {
    KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault, checker.Trial(trial, secret_seed));
    if (fault) return fault;
  }
  return std::optional<Outcome>();
}

}  // namespace ks
