#include "evaluate/device_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/rng.h"
#include "base/text.h"
#include "evaluate/cascade.h"
#include "evaluate/check_stage.h"
#include "measure/device_roofline.h"

namespace ks {
namespace {

constexpr size_t kMaxKeptSamples = 200;
constexpr double kRoundNs = 60e6;  // wall time of one round, about
constexpr double kWarmUpNs = 1e6;  // timed time of the first round that is thrown away
constexpr int kMostWarmUpPairs = 8;
constexpr double kSlowest = 30;  // a call this much slower than the rival's (and a second) ends it
constexpr double kRoundSlack = 10;  // a round that takes this much longer than foreseen hangs
constexpr int kSteadyPairs = 48;    // at least, before the spread of times is judged
constexpr int kThrottledPerGood = 4;
constexpr double kRivalTolerance = 2;  // two right results may lie this many tolerances apart
constexpr double kCompareChance = 0.25;
constexpr double kWallShare = 0.01, kWallNs = 20e3;

Tolerance Widened(Tolerance tolerance) {
  tolerance.relative *= kRivalTolerance;
  tolerance.absolute *= kRivalTolerance;
  tolerance.norm_relative *= kRivalTolerance;
  return tolerance;
}

// The difference as a verdict, when it is more than two right results may differ by.
std::optional<WrongResult> Disagreement(const Task& task, const Workload& workload,
                                        const Agreement& agreement) {
  const Tolerance tolerance = Widened(task.tolerance);
  for (size_t i = 0; i < task.outputs.size() && i < agreement.outputs.size(); ++i) {
    const OutputDifference& one = agreement.outputs[i];
    const double norm_bound = tolerance.absolute * std::sqrt(static_cast<double>(one.elements)) +
                              tolerance.norm_relative * one.want_norm;
    // Negated, so that a norm that is no number counts as broken.
    const bool norm_holds = !IsFloat(task.outputs[i].dtype) || one.error_norm <= norm_bound;
    if (one.mismatches == 0 && norm_holds) continue;
    WrongResult wrong;
    wrong.workload = workload.name;
    wrong.output = task.outputs[i].name;
    wrong.index = one.first_index;
    wrong.got = one.got;
    wrong.want = one.want;
    wrong.mismatches = one.mismatches;
    wrong.elements = one.elements;
    wrong.max_error = one.max_error;
    wrong.in_timed_call = true;
    return wrong;
  }
  return std::nullopt;
}

// What the driver knows of the loaded program over what the compiler knew.
DeviceFeatures Merged(const std::optional<DeviceFeatures>& compiled, const DeviceFeatures& loaded) {
  if (!compiled) return loaded;
  DeviceFeatures merged = *compiled;
  const auto take = [](auto& into, auto from) {
    if (from > 0) into = from;
  };
  take(merged.registers, loaded.registers);
  take(merged.spill_bytes, loaded.spill_bytes);
  take(merged.shared_bytes, loaded.shared_bytes);
  take(merged.threads_per_block, loaded.threads_per_block);
  take(merged.occupancy, loaded.occupancy);
  take(merged.blocks_per_sm, loaded.blocks_per_sm);
  take(merged.scratch_bytes, loaded.scratch_bytes);
  return merged;
}

bool IsAffordable(const Result<Cost>& cost) {
  return cost.ok() && cost->flops <= kOracleFlops && cost->bytes <= kOracleBytes;
}

}  // namespace

// Times one workload with both programs loaded.
class DevicePairTimer::WorkloadTimer {
 public:
  struct Sides {
    int rival = -1;
    int candidate = -1;
    const CompiledKernel& rival_kernel;
    const DeviceFeatures& features;  // of the candidate
  };

  WorkloadTimer(DevicePairTimer& owner, size_t index, Sides sides, std::stop_token stop)
      : owner_(owner),
        task_(owner.task_),
        workload_(owner.task_.workloads[index]),
        index_(index),
        sides_(sides),
        stop_(std::move(stop)),
        rng_(DeriveSeed(owner.plan_.secret_seed, "device time", index)),
        stopping_(owner.plan_.rule),
        cost_(CostOf(owner.task_, workload_)) {}

  // Appends to `result`, or says in it why there is nothing.
  Status Run(TimingResult& result) {
    KS_RETURN_IF_ERROR(owner_.session_.EnsureTimeContent(index_, stop_));
    KS_RETURN_IF_ERROR(WarmUp(result));
    // The outputs are compared at least once, before or after the first round: nobody knows when.
    bool compare = rng_.Chance(0.5);
    int compared = 0;
    while (!Ended(result)) {
      if (compare) {
        KS_RETURN_IF_ERROR(CompareOutputs(result));
        ++compared;
      }
      if (Ended(result) || stopped_ || owner_.IsDisputed()) break;
      KS_RETURN_IF_ERROR(OneRound(NextRound(), /*counts=*/true, result));
      compare = rng_.Chance(kCompareChance) && compared < owner_.config_.timed_output_checks;
      if (stopped_) compare = compared == 0;
      if (stopped_ && !compare) break;
    }
    if (owner_.IsDisputed()) return {};
    KS_RETURN_IF_ERROR(Steady(result));
    if (!Ended(result)) Summarize(result);
    if (!Ended(result) && owner_.plan_.fresh && IsAffordable(cost_)) {
      KS_RETURN_IF_ERROR(PutAside(std::nullopt, result));
    }
    return {};
  }

 private:
  static bool Ended(const TimingResult& result) { return result.fault || result.rival_failed; }

  // Brings clocks and caches to where they stay, and tells how long a pair takes.
  Status WarmUp(TimingResult& result) {
    double spent = 0;
    for (int pairs = 1; spent < kWarmUpNs && !Ended(result); pairs = kMostWarmUpPairs) {
      KS_RETURN_IF_ERROR(OneRound(pairs, /*counts=*/false, result));
      spent += last_device_ns_;
      if (pairs == kMostWarmUpPairs) break;
    }
    return {};
  }

  // Up to the number of pairs at which the rule looks next, within the time of a round.
  int NextRound() const {
    const int have = static_cast<int>(stopping_.samples().size());
    int look = std::max(1, owner_.plan_.rule.min_pairs);
    while (look <= have) look *= 2;
    const int wanted = std::min(look, std::max(owner_.plan_.rule.max_pairs, have + 1)) - have;
    return std::clamp(wanted, 1, RoundLimit());
  }
  int RoundLimit() const {
    return pair_wall_ns_ > 0 ? static_cast<int>(std::clamp(kRoundNs / pair_wall_ns_, 1.0, 256.0))
                             : kMostWarmUpPairs;
  }

  PairRequest Request(int pairs) {
    PairRequest request;
    request.rival = sides_.rival;
    request.candidate = sides_.candidate;
    request.workload = index_;
    request.pairs = pairs;
    request.first_pair = next_pair_;
    request.seed = rng_.Next();
    request.timeout_s = pair_wall_ns_ > 0 ? 1 + kRoundSlack * 1e-9 * pair_wall_ns_ * pairs
                                          : 2 * owner_.config_.call_timeout_s;
    return request;
  }

  Status OneRound(int pairs, bool counts, TimingResult& result) {
    KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, owner_.session_.Runner(stop_));
    KS_ASSIGN_OR_RETURN(auto answer, runner->TimePairs(Request(pairs), stop_));
    if (auto* fault = std::get_if<Outcome>(&answer)) return Blame(std::move(*fault), result);
    PairRound round = std::move(std::get<PairRound>(answer));
    next_pair_ += pairs;
    if (round.rival_broken_guard) {
      result.rival_failed = true;
      return {};
    }
    if (round.broken_guard) {
      result.fault = *std::move(round.broken_guard);
      return {};
    }
    KS_RETURN_IF_ERROR(CheckClock(round));
    pair_wall_ns_ = round.wall_ns / static_cast<double>(round.pairs.size());
    if (!counts) return NoteSlow(round, result);
    for (const DevicePair& pair : round.pairs) {
      if (pair.throttled) {
        ++throttled_;
        continue;
      }
      rival_ns_.push_back(pair.rival_ns);
      candidate_ns_.push_back(pair.candidate_ns);
      if (stopped_) continue;  // only the spread is wanted
      stopped_ = stopping_.Add({pair.rival_ns, pair.candidate_ns}) != StopReason::kContinue;
    }
    if (throttled_ > owner_.plan_.rule.min_pairs + kThrottledPerGood * Good()) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("the device throttles: {} of {} pairs at clocks below 90 % of its "
                               "highest; cool it, or lower its power limit",
                               throttled_, throttled_ + Good())};
    }
    return {};
  }
  int Good() const { return static_cast<int>(candidate_ns_.size()); }

  // All timed spans lie within the time that this process waited.
  Status CheckClock(const PairRound& round) const {
    double sum = 0;
    bool sane = !round.pairs.empty();
    for (const DevicePair& pair : round.pairs) {
      sane = sane && pair.rival_ns > 0 && pair.candidate_ns > 0;
      sum += pair.rival_ns + pair.candidate_ns;
    }
    const double claimed = std::max(sum, round.device_ns);
    if (sane && claimed <= round.wall_ns * (1 + kWallShare) + kWallNs) return {};
    return Error{ErrorCode::kUnavailable,
                 fmt::format("the device's event clock claims {} for {} pairs, this process waited "
                             "{}",
                             FormatNs(claimed), round.pairs.size(), FormatNs(round.wall_ns))};
  }

  Status NoteSlow(const PairRound& round, TimingResult& result) {
    last_device_ns_ = round.device_ns;
    const DevicePair& pair = round.pairs.back();
    const double limit_ns =
        std::min(owner_.config_.call_timeout_s * 1e9, 1e9 + kSlowest * pair.rival_ns);
    if (pair.candidate_ns > limit_ns) result.fault = TimedOut{"time", limit_ns * 1e-9};
    return {};
  }

  // A round broke: the rival's own call on a fresh runner tells whose fault it was.
  Status Blame(Outcome fault, TimingResult& result) {
    owner_.session_.Drop();
    KS_ASSIGN_OR_RETURN(auto loaded, owner_.session_.Load(sides_.rival_kernel, stop_));
    if (std::holds_alternative<Outcome>(loaded)) {
      result.rival_failed = true;
      return {};
    }
    KS_RETURN_IF_ERROR(owner_.session_.EnsureTimeContent(index_, stop_));
    KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, owner_.session_.Runner(stop_));
    KS_ASSIGN_OR_RETURN(auto called,
                        runner->Call(std::get<LoadedProgram>(loaded).handle, index_, rng_.Next(),
                                     owner_.config_.call_timeout_s, stop_));
    if (std::holds_alternative<Outcome>(called)) {
      owner_.session_.Drop();
      result.rival_failed = true;
    } else {
      result.fault = std::move(fault);
    }
    return {};
  }

  Status CompareOutputs(TimingResult& result) {
    KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, owner_.session_.Runner(stop_));
    PairRequest request = Request(1);
    request.timeout_s += owner_.config_.call_timeout_s;
    KS_ASSIGN_OR_RETURN(auto answer, runner->Compare(request, Widened(task_.tolerance), stop_));
    if (auto* fault = std::get_if<Outcome>(&answer)) return Blame(std::move(*fault), result);
    std::optional<WrongResult> difference =
        Disagreement(task_, workload_, std::get<Agreement>(answer));
    if (!difference) return {};
    if (IsAffordable(cost_)) return PutAside(std::move(difference), result);
    result.fault = *std::move(difference);
    return {};
  }

  // Both sides once more on a content that this process knows, for the oracle to decide.
  Status PutAside(std::optional<WrongResult> difference, TimingResult& result) {
    Kept kept;
    kept.workload = index_;
    kept.difference = std::move(difference);
    if (const auto drawn = owner_.drawn_.find(index_); drawn != owner_.drawn_.end()) {
      kept.inputs = std::move(drawn->second);
      owner_.drawn_.erase(drawn);
    } else {
      KS_ASSIGN_OR_RETURN(kept.inputs, FillInputs(task_, workload_, rng_.Next(), 0));
    }
    KS_RETURN_IF_ERROR(owner_.session_.Upload(index_, rng_.Next(), kept.inputs, stop_));
    KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, owner_.session_.Runner(stop_));
    for (const bool is_candidate : {true, false}) {
      KS_ASSIGN_OR_RETURN(auto called,
                          runner->Call(is_candidate ? sides_.candidate : sides_.rival, index_,
                                       rng_.Next(), owner_.config_.call_timeout_s, stop_));
      if (auto* fault = std::get_if<Outcome>(&called)) {
        owner_.session_.Drop();
        if (is_candidate) {
          result.fault = std::move(*fault);
        } else {
          result.rival_failed = true;
        }
        return {};
      }
      (is_candidate ? kept.candidate_outputs : kept.rival_outputs) =
          std::move(std::get<DeviceCall>(called).outputs);
    }
    owner_.kept_.push_back(std::move(kept));
    return {};
  }

  bool JudgesSpread() const { return owner_.backend_.device_class() == "gpu"; }
  static double SpreadOf(const std::vector<double>& times) {
    const TimeSummary summary = SummarizeTimes(times);
    return summary.cv * summary.median_ns <= kEventBlurNs ? 0 : summary.cv;
  }
  double Spread() const { return std::max(SpreadOf(rival_ns_), SpreadOf(candidate_ns_)); }

  // More pairs until the times are steady; a clear loser need not be.
  Status Steady(TimingResult& result) {
    if (!JudgesSpread()) return {};
    const int most = std::max(kSteadyPairs, 2 * static_cast<int>(stopping_.samples().size()));
    while (!Ended(result) && stopping_.interval().high > 1 && Spread() > kSteadyCv &&
           Good() < most) {
      KS_RETURN_IF_ERROR(OneRound(std::clamp(most - Good(), 1, RoundLimit()), true, result));
    }
    if (Ended(result) || stopping_.interval().high <= 1 || Spread() <= kMostCv) return {};
    const double rival = SpreadOf(rival_ns_);
    const double candidate = SpreadOf(candidate_ns_);
    if (rival > kMostCv) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("times on the device spread by {:.0f} %: nothing can be measured; "
                               "end what else uses it",
                               rival * 100)};
    }
    result.fault = Rejected{"unsteady",
                            fmt::format("{}: its times spread by {:.0f} %, its rival's by {:.1f} %",
                                        workload_.name, candidate * 100, rival * 100)};
    return {};
  }

  void Summarize(TimingResult& result) {
    WorkloadTiming timing;
    timing.workload = workload_.name;
    const TimeSummary summary = SummarizeTimes(candidate_ns_);
    timing.median_ns = summary.median_ns;
    timing.p99_ns = summary.p99_ns;
    timing.cv = summary.cv;
    timing.pairs = static_cast<int>(stopping_.samples().size());
    timing.gain = stopping_.interval();
    if (const double spread = JudgesSpread() ? Spread() : 0; spread > kSteadyCv) {
      timing.gain.low /= 1 + spread;
      timing.gain.high *= 1 + spread;
    }
    timing.parent_median_ns = SummarizeTimes(rival_ns_).median_ns;
    Roofline(timing, result);
    candidate_ns_.resize(std::min(candidate_ns_.size(), kMaxKeptSamples));
    rival_ns_.resize(std::min(rival_ns_.size(), kMaxKeptSamples));
    timing.samples_ns = std::move(candidate_ns_);
    timing.parent_samples_ns = std::move(rival_ns_);
    result.timings.push_back(std::move(timing));
  }

  void Roofline(WorkloadTiming& timing, TimingResult& result) const {
    if (!cost_.ok() || timing.median_ns <= 0) return;
    timing.gflops = cost_->flops / timing.median_ns;
    timing.gbytes_per_s = cost_->bytes / timing.median_ns;
    const Machine& machine = owner_.backend_.machine();
    const RooflinePlace place =
        PlaceOnDevice(*cost_, machine, task_.precision, sides_.features, timing.median_ns);
    timing.roofline_fraction = place.fraction;
    if (result.bottleneck.empty()) result.bottleneck = place.bottleneck;
    const double floor_ns = DeviceFloorNs(*cost_, machine, sides_.features.launches);
    if (timing.median_ns >= floor_ns) return;
    result.fault =
        Rejected{"below_roofline",
                 fmt::format("{} took {}; the device cannot do it below {}", workload_.name,
                             FormatNs(timing.median_ns), FormatNs(floor_ns))};
  }

  DevicePairTimer& owner_;
  const Task& task_;
  const Workload& workload_;
  const size_t index_;
  const Sides sides_;
  std::stop_token stop_;
  Rng rng_;
  PairedStopping stopping_;
  const Result<Cost> cost_;
  std::vector<double> rival_ns_;  // good pairs, also those after the rule had stopped
  std::vector<double> candidate_ns_;
  double pair_wall_ns_ = 0;  // of the last round, a pair; 0 before the first
  double last_device_ns_ = 0;
  int next_pair_ = 0;
  int throttled_ = 0;
  bool stopped_ = false;
};

Status DevicePairTimer::DrawKept() {
  for (size_t i = 0; i < task_.workloads.size(); ++i) {
    const Workload& workload = task_.workloads[i];
    if (workload.role != plan_.role || !IsAffordable(CostOf(task_, workload))) continue;
    const uint64_t seed = DeriveSeed(plan_.secret_seed, "kept content", i);
    KS_ASSIGN_OR_RETURN(drawn_[i], FillInputs(task_, workload, seed, 0));
  }
  return {};
}

Result<TimingResult> DevicePairTimer::Run(const CompiledKernel& rival,
                                          const CompiledKernel& candidate, std::stop_token stop) {
  kept_.clear();
  TimingResult result;
  KS_ASSIGN_OR_RETURN(auto first, session_.Load(rival, stop));
  if (std::holds_alternative<Outcome>(first)) {
    result.rival_failed = true;
    return result;
  }
  KS_ASSIGN_OR_RETURN(auto second, session_.Load(candidate, stop));
  if (auto* fault = std::get_if<Outcome>(&second)) {
    result.fault = std::move(*fault);
    return result;
  }
  const LoadedProgram& program = std::get<LoadedProgram>(second);
  result.device = Merged(candidate.device, program.features);
  const WorkloadTimer::Sides sides{std::get<LoadedProgram>(first).handle, program.handle, rival,
                                   *result.device};
  const std::vector<const Workload*> workloads = task_.WorkloadsOf(plan_.role);
  const Cascade cascade(task_, workloads, plan_.hopeless_below);
  std::vector<std::string> bottlenecks;
  for (const size_t i : cascade.order()) {
    WorkloadTimer timer(*this, static_cast<size_t>(workloads[i] - task_.workloads.data()), sides,
                        stop);
    result.bottleneck.clear();
    KS_RETURN_IF_ERROR(timer.Run(result));
    if (result.fault || result.rival_failed || IsDisputed()) return result;
    bottlenecks.push_back(result.bottleneck);
    if (cascade.IsHopeless(result)) break;
  }
  cascade.Finish(bottlenecks, result);
  return result;
}

Status DevicePairTimer::JudgeKept(Oracle& oracle, TimingResult& result,
                                  std::stop_token stop) const {
  for (const Kept& kept : kept_) {
    if (result.fault || result.rival_failed) return {};  // the first cause stays
    const Workload& workload = task_.workloads[kept.workload];
    KS_ASSIGN_OR_RETURN(const std::vector<Bytes> want,
                        oracle.Expected(workload, Views(kept.inputs), stop));
    result.fault = JudgeOutputs(task_, workload, Views(kept.candidate_outputs), want, true);
    if (result.fault) continue;
    if (JudgeOutputs(task_, workload, Views(kept.rival_outputs), want, true)) {
      result.rival_failed = true;
    } else if (kept.difference) {
      result.fault = *kept.difference;  // both right now, and yet one of them was not before
    }
  }
  return {};
}

}  // namespace ks
