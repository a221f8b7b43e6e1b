#include "evaluate/time_stage.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/rng.h"
#include "core/compare.h"
#include "core/elements.h"
#include "evaluate/cascade.h"
#include "evaluate/check_stage.h"
#include "measure/clock_check.h"
#include "measure/roofline.h"

namespace ks {
namespace {

constexpr double kPerturbedFraction = 1.0 / 64;
constexpr size_t kMaxKeptSamples = 200;
constexpr int kAgreementEvery = 3;  // candidate against rival outputs, one pair in so many

// Outputs as the oracle would give them: floats widened.
Bytes Widened(DType dtype, std::span<const std::byte> from) {
  Bytes wide(from.size() / SizeOf(dtype) * SizeOf(OracleType(dtype)));
  WidenElements(dtype, from, wide);
  return wide;
}

struct Pair {
  std::optional<Outcome> candidate_fault;
  bool rival_failed = false;
  PairedSample sample;
  PairedSample cpu;  // the same calls on the kernel's CPU clock
};

// What CheckClocks lets pass is bounded by AgreeWithCpuClock below, so it may be generous: on a
// busy machine interrupts are charged to whoever runs.
ClockTolerance BusyMachineTolerance(bool single_threaded) {
  ClockTolerance tolerance;
  // Nobody computes for a single thread while it waits, and wake-ups take tens of milliseconds
  // where many processes share a core.
  if (single_threaded) tolerance.wait_ns = 150e6;
  tolerance.cpu_share = 2.0;
  tolerance.cpu_ns = 500e3;
  tolerance.outside_share = 1.0;
  tolerance.outside_ns = 300e3;
  tolerance.outside_total_ns = 5e6;
  return tolerance;
}

// Cost of waking and answering, which the CPU clock counts and the runner's stamp does not.
double OverheadNs(std::vector<double> excess_ns) {
  if (excess_ns.empty()) return 0;
  std::sort(excess_ns.begin(), excess_ns.end());
  return std::clamp(excess_ns[excess_ns.size() / 10], 0.0, 20e3);
}

}  // namespace

// Times one workload with two running sides.
class PairTimer::WorkloadTimer {
 public:
  WorkloadTimer(PairTimer& owner, Arena& arena, size_t index, const Workload& workload,
                KernelRunner& rival, KernelRunner& candidate, std::stop_token stop)
      : owner_(owner),
        task_(owner.task_),
        arena_(arena),
        index_(index),
        workload_(workload),
        rival_(rival),
        candidate_(candidate),
        stop_(std::move(stop)),
        rng_(DeriveSeed(owner.plan_.secret_seed, "time", index)),
        stopping_(owner.plan_.rule) {
    oracle_pairs_.insert(
        static_cast<int>(rng_.Below(static_cast<uint64_t>(owner.plan_.rule.min_pairs))));
    for (int i = 1; i < owner.config_.timed_output_checks; ++i) {
      oracle_pairs_.insert(
          static_cast<int>(rng_.Below(static_cast<uint64_t>(owner.plan_.rule.max_pairs))));
    }
  }

  // Runs pairs until the rule stops; false in `result` fields tell why not.
  Status Run(TimingResult& result) {
    KS_ASSIGN_OR_RETURN(const std::vector<Bytes> inputs,
                        FillInputs(task_, workload_, rng_.Next(), 0));
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::memcpy(arena_.input(index_, i).data(), inputs[i].data(), inputs[i].size());
    }
    KS_RETURN_IF_ERROR(WarmUp(result));
    for (int number = 0; !result.fault && !result.rival_failed; ++number) {
      KS_ASSIGN_OR_RETURN(Pair pair, OnePair(number));
      result.rival_failed = pair.rival_failed;
      result.fault = std::move(pair.candidate_fault);
      if (result.fault || result.rival_failed) return {};
      cpu_pairs_.push_back(pair.cpu);
      if (stopping_.Add(pair.sample) != StopReason::kContinue) break;
    }
    if (!result.fault && !result.rival_failed) Summarize(result);
    return {};
  }

  const std::vector<CallClock>& clocks() const { return clocks_; }

 private:
  Status WarmUp(TimingResult& result) {
    timeout_s_ = owner_.config_.call_timeout_s;
    for (KernelRunner* side : {&rival_, &candidate_}) {
      arena_.Poison(index_, rng_.Next());
      KS_ASSIGN_OR_RETURN(CallOutcome called, side->Call(index_, timeout_s_, stop_));
      if (auto* fault = std::get_if<Outcome>(&called)) {
        if (side == &rival_) {
          result.rival_failed = true;
        } else {
          result.fault = std::move(*fault);
        }
        return {};
      }
      const CallTiming& timing = std::get<CallTiming>(called);
      if (side == &rival_) {
        timeout_s_ = std::min(timeout_s_, 1.0 + timing.wall_ns * 1e-9 * 30);
      } else {
        clocks_.push_back({timing.inside_ns, timing.wall_ns, timing.cpu_ns});
      }
    }
    return {};
  }

  // Both sides on one new content; the order alternates.
  Result<Pair> OnePair(int number) {
    std::vector<std::span<std::byte>> views;
    for (size_t i = 0; i < task_.inputs.size(); ++i) views.push_back(arena_.input(index_, i));
    KS_RETURN_IF_ERROR(PerturbInputs(task_, workload_, rng_.Next(), kPerturbedFraction, views));
    const bool for_oracle = oracle_pairs_.contains(number);
    const bool agree = for_oracle || number % kAgreementEvery == 0 || rng_.Chance(0.2);
    Pair pair;
    std::vector<Bytes> rival_outputs;
    std::vector<Bytes> outputs;
    for (int turn = 0; turn < 2; ++turn) {
      const bool is_candidate = (turn == 1) == (number % 2 == 0);
      KernelRunner& side = is_candidate ? candidate_ : rival_;
      arena_.Poison(index_, rng_.Next());
      KS_ASSIGN_OR_RETURN(CallOutcome called, side.Call(index_, timeout_s_, stop_));
      if (auto* fault = std::get_if<Outcome>(&called)) {
        if (is_candidate) {
          pair.candidate_fault = std::move(*fault);
        } else {
          pair.rival_failed = true;
        }
        return pair;
      }
      Note(std::get<CallTiming>(called), is_candidate, pair);
      if (is_candidate) {
        if (std::optional<OutOfBounds> broken = arena_.BrokenGuard(index_)) {
          pair.candidate_fault = *std::move(broken);
          return pair;
        }
      }
      if (agree) (is_candidate ? outputs : rival_outputs) = Snapshot();
    }
    if (agree && (for_oracle || !Agree(outputs, rival_outputs))) Keep(std::move(outputs));
    return pair;
  }

  // The gain by the CPU clock, which the candidate cannot reach. Where it contradicts a better one
  // by the runner's stamps, it holds.
  Interval AgreeWithCpuClock(const Interval& stamped) const {
    if (task_.max_threads > 1 || cpu_pairs_.size() < 3) return stamped;
    std::vector<double> excess;
    for (size_t i = 0; i < cpu_pairs_.size(); ++i) {
      excess.push_back(cpu_pairs_[i].reference_ns - stopping_.samples()[i].reference_ns);
    }
    const double overhead = OverheadNs(std::move(excess));
    std::vector<PairedSample> pairs = cpu_pairs_;
    for (PairedSample& pair : pairs) {
      pair.reference_ns = std::max(1.0, pair.reference_ns - overhead);
      pair.candidate_ns = std::max(1.0, pair.candidate_ns - overhead);
    }
    const Interval by_cpu = RatioInterval(pairs, owner_.config_.confidence);
    return by_cpu.high < stamped.low ? by_cpu : stamped;
  }

  void Note(const CallTiming& timing, bool is_candidate, Pair& pair) {
    (is_candidate ? pair.cpu.candidate_ns : pair.cpu.reference_ns) = timing.cpu_ns;
    if (is_candidate) {
      pair.sample.candidate_ns = timing.inside_ns;
      clocks_.push_back({timing.inside_ns, timing.wall_ns, timing.cpu_ns});
    } else {
      pair.sample.reference_ns = timing.inside_ns;
    }
  }

  std::vector<Bytes> Snapshot() const {
    std::vector<Bytes> outputs;
    for (size_t i = 0; i < task_.outputs.size(); ++i) {
      const std::span<const std::byte> view = arena_.output(index_, i);
      outputs.emplace_back(view.begin(), view.end());
    }
    return outputs;
  }

  // The rival was judged before; a kernel that replays an old result differs from it.
  bool Agree(const std::vector<Bytes>& outputs, const std::vector<Bytes>& rival_outputs) const {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const DType dtype = task_.outputs[i].dtype;
      const Bytes want = Widened(dtype, rival_outputs[i]);
      if (CompareOutput(dtype, outputs[i], want, task_.tolerance)) return false;
    }
    return true;
  }

  // For the oracle, at most a few a workload (each may cost as much as a slow kernel).
  void Keep(std::vector<Bytes> outputs) {
    if (kept_ >= 4) return;
    ++kept_;
    Kept kept;
    kept.workload = &workload_;
    for (size_t i = 0; i < task_.inputs.size(); ++i) {
      const std::span<const std::byte> view = arena_.input(index_, i);
      kept.inputs.emplace_back(view.begin(),
                               view.begin() + static_cast<std::ptrdiff_t>(InputBytes(i)));
    }
    kept.outputs = std::move(outputs);
    owner_.kept_.push_back(std::move(kept));
  }

  size_t InputBytes(size_t i) const {
    const Result<int64_t> count = ElementCount(task_.inputs[i], workload_.axes);
    return (count.ok() ? static_cast<size_t>(*count) : 0) * SizeOf(task_.inputs[i].dtype);
  }

  void Summarize(TimingResult& result) const {
    WorkloadTiming timing;
    timing.workload = workload_.name;
    std::vector<double> candidate;
    std::vector<double> rival;
    for (const PairedSample& sample : stopping_.samples()) {
      candidate.push_back(sample.candidate_ns);
      rival.push_back(sample.reference_ns);
    }
    const TimeSummary summary = SummarizeTimes(candidate);
    timing.median_ns = summary.median_ns;
    timing.p99_ns = summary.p99_ns;
    timing.cv = summary.cv;
    timing.pairs = static_cast<int>(candidate.size());
    timing.gain = AgreeWithCpuClock(stopping_.interval());
    timing.parent_median_ns = SummarizeTimes(rival).median_ns;
    Roofline(timing, result);
    candidate.resize(std::min(candidate.size(), kMaxKeptSamples));
    rival.resize(std::min(rival.size(), kMaxKeptSamples));
    timing.samples_ns = std::move(candidate);
    timing.parent_samples_ns = std::move(rival);
    result.timings.push_back(std::move(timing));
  }

  void Roofline(WorkloadTiming& timing, TimingResult& result) const {
    const Result<Cost> cost = CostOf(task_, workload_);
    if (!cost.ok() || timing.median_ns <= 0) return;
    timing.gflops = cost->flops / timing.median_ns;
    timing.gbytes_per_s = cost->bytes / timing.median_ns;
    const Machine& machine = owner_.backend_.machine();
    const RooflinePlace place =
        PlaceUnderRoofline(*cost, machine, task_.max_threads, timing.median_ns);
    timing.roofline_fraction = place.fraction;
    if (result.bottleneck.empty()) result.bottleneck = place.bottleneck;
    const double floor_ns = FloorNs(*cost, machine, task_.max_threads);
    if (timing.median_ns < floor_ns) {
      result.fault = Rejected{
          "below_roofline", workload_.name + " took " + std::to_string(timing.median_ns) +
                                " ns; no core can do it below " + std::to_string(floor_ns) + " ns"};
    }
  }

  PairTimer& owner_;
  const Task& task_;
  Arena& arena_;
  size_t index_;
  const Workload& workload_;
  KernelRunner& rival_;
  KernelRunner& candidate_;
  std::stop_token stop_;
  Rng rng_;
  PairedStopping stopping_;
  std::set<int> oracle_pairs_;
  std::vector<CallClock> clocks_;
  std::vector<PairedSample> cpu_pairs_;
  double timeout_s_ = 0;
  int kept_ = 0;
};

Result<TimingResult> PairTimer::Run(const CompiledKernel& rival, const CompiledKernel& candidate,
                                    std::stop_token stop) {
  const std::vector<const Workload*> workloads = task_.WorkloadsOf(plan_.role);
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Arena> arena,
                      backend_.NewArena(task_, workloads, false));
  RunnerOptions options;
  options.memory_limit_bytes = config_.memory_limit_bytes;
  options.max_threads = task_.max_threads;
  options.core = task_.max_threads == 1 ? core_ : -1;
  TimingResult result;
  KS_ASSIGN_OR_RETURN(auto first, backend_.NewRunner(task_, rival, *arena, options));
  KS_ASSIGN_OR_RETURN(auto second, backend_.NewRunner(task_, candidate, *arena, options));
  if (std::holds_alternative<Outcome>(first)) {
    result.rival_failed = true;
    return result;
  }
  if (auto* fault = std::get_if<Outcome>(&second)) {
    result.fault = std::move(*fault);
    return result;
  }
  KernelRunner& a = *std::get<std::unique_ptr<KernelRunner>>(first);
  KernelRunner& b = *std::get<std::unique_ptr<KernelRunner>>(second);
  KS_ASSIGN_OR_RETURN(const double cpu_before, b.TotalCpuNs());
  std::vector<CallClock> clocks;
  std::vector<std::string> bottlenecks;
  const Cascade cascade(task_, workloads, plan_.hopeless_below);
  for (const size_t i : cascade.order()) {
    WorkloadTimer timer(*this, *arena, i, *workloads[i], a, b, stop);
    result.bottleneck.clear();
    KS_RETURN_IF_ERROR(timer.Run(result));
    if (result.fault || result.rival_failed) return result;
    clocks.insert(clocks.end(), timer.clocks().begin(), timer.clocks().end());
    bottlenecks.push_back(result.bottleneck);
    if (cascade.IsHopeless(result)) break;
  }
  const Result<double> cpu_after = b.TotalCpuNs();
  const double total = cpu_after.ok() ? *cpu_after - cpu_before : 0;
  ClockRecord record;
  record.calls = clocks;
  record.total_cpu_ns = total;
  record.single_threaded = task_.max_threads == 1;
  if (std::optional<Rejected> lie =
          CheckClocks(record, BusyMachineTolerance(record.single_threaded))) {
    result.fault = *std::move(lie);
    return result;
  }
  cascade.Finish(bottlenecks, result);
  return result;
}

Result<std::optional<Outcome>> PairTimer::JudgeTimed(Oracle& oracle, std::stop_token stop) const {
  for (const Kept& kept : kept_) {
    KS_ASSIGN_OR_RETURN(const std::vector<Bytes> want,
                        oracle.Expected(*kept.workload, Views(kept.inputs), stop));
    if (auto wrong = JudgeOutputs(task_, *kept.workload, Views(kept.outputs), want, true)) {
      return wrong;
    }
  }
  return std::optional<Outcome>();
}

}  // namespace ks
