#include "evaluate/local_evaluator.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/rng.h"
#include "base/text.h"
#include "core/kernel_source.h"
#include "evaluate/stage_timer.h"
#include "measure/paired.h"

namespace ks {
namespace {

constexpr size_t kCachedKernels = 64;
// A parent this much slower than the champion is not timed again: the champion stands in for it.
constexpr double kSlowParent = 3.0;
// Above this gain over the champion the speed-up is measured against the baseline itself again.
constexpr double kDirectGain = 1.3;
constexpr double kSeedEffort = 0.1;  // the baseline against itself: only its times are wanted

StoppingRule RuleFrom(const EvaluationConfig& config, size_t workloads, double effort) {
  StoppingRule rule;
  rule.confidence = config.confidence;
  rule.target_width = config.target_width;
  rule.margin = config.gain_margin;
  rule.min_pairs = config.min_pairs;
  rule.max_pairs = config.max_pairs;
  rule.budget_ns =
      effort * config.time_budget_s * 1e9 / static_cast<double>(std::max<size_t>(1, workloads));
  return rule;
}

double LogWidth(const Interval& interval) {
  return interval.low > 0 ? std::log(interval.high / interval.low)
                          : std::numeric_limits<double>::infinity();
}

Interval Inverse(const Interval& ratio) {
  return {1 / ratio.high, 1 / ratio.mid,
          ratio.low > 0 ? 1 / ratio.low : std::numeric_limits<double>::infinity()};
}

// Two measurements of one speed-up: the chain through the champion and the direct one. The tighter
// one, unless they contradict each other: then the direct one.
Interval Reconcile(const Interval& chained, const Interval& direct) {
  const bool apart = chained.low > direct.high || direct.low > chained.high;
  return !apart && LogWidth(chained) < LogWidth(direct) ? chained : direct;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

LocalEvaluator::LocalEvaluator(const Task& task, Backend& backend, std::unique_ptr<Judge> judge,
                               const EvaluationConfig& config)
    : task_(task),
      backend_(backend),
      config_(config),
      judge_(std::move(judge)),
      kernels_(kCachedKernels) {}

Result<Evaluation> LocalEvaluator::Evaluate(const EvaluationRequest& request,
                                            std::stop_token stop) {
  Evaluation evaluation;
  KS_ASSIGN_OR_RETURN(const Kernel kernel, Compile(request, evaluation, stop));
  if (kernel == nullptr) return evaluation;
  if (request.seen_binary) {
    if (const std::optional<CandidateId> twin = request.seen_binary(kernel->binary_hash)) {
      evaluation.outcome = DuplicateOf{*twin};
      return evaluation;
    }
  }
  evaluation.outcome = Measured{};
  if (request.stages.check) {
    KS_RETURN_IF_ERROR(Check(*kernel, evaluation, stop));
    if (AsMeasured(evaluation.outcome) == nullptr) return evaluation;
  }
  if (request.stages.time) KS_RETURN_IF_ERROR(Time(request, kernel, evaluation, stop));
  if (request.stages.time && request.stages.profile) {
    const StageTimer timer(evaluation.seconds.time);
    KS_ASSIGN_OR_RETURN(evaluation.profile, judge_->Profile(*kernel, evaluation, stop));
  }
  return evaluation;
}

Result<LocalEvaluator::Kernel> LocalEvaluator::Compile(const EvaluationRequest& request,
                                                       Evaluation& evaluation,
                                                       std::stop_token stop) {
  const StageTimer timer(evaluation.seconds.compile);
  if (!backend_.machine().device) {  // a device has one compiler, and no default flags
    const BuildDirectives directives = ParseBuildDirectives(request.source);
    evaluation.compiler = directives.compiler;
    evaluation.flags = Join(directives.flags, " ");
  }
  Kernel kernel = kernels_.Find(request.source);
  if (kernel == nullptr) {
    const CompileLimits limits{config_.compile_timeout_s, config_.memory_limit_bytes};
    KS_ASSIGN_OR_RETURN(CompileOutcome outcome,
                        backend_.Compile(task_, request.source, limits, stop));
    if (auto* compiled = std::get_if<CompiledKernel>(&outcome)) {
      kernel = std::make_shared<const CompiledKernel>(std::move(*compiled));
    } else {
      evaluation.outcome = std::visit(
          [](auto&& failure) -> Outcome {
            using T = std::decay_t<decltype(failure)>;
            if constexpr (std::is_same_v<T, CompiledKernel>) {
              return LaunchFailed{"unreachable"};
            } else {
              return std::forward<decltype(failure)>(failure);
            }
          },
          std::move(outcome));
      return Kernel();
    }
    kernels_.Put(request.source, kernel);
  }
  evaluation.features = kernel->features;
  evaluation.device = kernel->device;
  evaluation.binary_hash = kernel->binary_hash;
  evaluation.compiler = kernel->compiler;
  evaluation.flags = kernel->flags;
  evaluation.warnings = kernel->warnings;
  return kernel;
}

Result<LocalEvaluator::Kernel> LocalEvaluator::CompileRival(const std::string& source,
                                                            std::stop_token stop) {
  if (Kernel kernel = kernels_.Find(source)) return kernel;
  const CompileLimits limits{config_.compile_timeout_s, config_.memory_limit_bytes};
  KS_ASSIGN_OR_RETURN(CompileOutcome outcome, backend_.Compile(task_, source, limits, stop));
  auto* compiled = std::get_if<CompiledKernel>(&outcome);
  if (compiled == nullptr) {
    return Error{ErrorCode::kInternal,
                 "a kernel that compiled before does not compile now: " + FirstLine(source)};
  }
  auto kernel = std::make_shared<const CompiledKernel>(std::move(*compiled));
  kernels_.Put(source, kernel);
  return Kernel(kernel);
}

Status LocalEvaluator::Check(const CompiledKernel& kernel, Evaluation& evaluation,
                             std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(CheckResult result,
                      judge_->Check(kernel, SecretSeed(), evaluation.seconds, stop));
  if (result.module) evaluation.module = std::move(result.module);
  if (result.fault) evaluation.outcome = *std::move(result.fault);
  return {};
}

TimingPlan LocalEvaluator::PlanFor(const EvaluationRequest& request, WorkloadRole role,
                                   double effort, bool fresh) const {
  TimingPlan plan;
  plan.call_by_call = request.call_by_call;
  plan.own_rival = request.own_baseline && !request.parent;
  plan.role = role;
  plan.rule = RuleFrom(config_, task_.WorkloadsOf(role).size(), effort);
  plan.secret_seed = SecretSeed();
  plan.fresh = fresh;
  plan.quiet = fresh || request.quiet;
  return plan;
}

Result<TimingResult> LocalEvaluator::Compare(const CompiledKernel& rival,
                                             const CompiledKernel& kernel, const TimingPlan& plan,
                                             Evaluation& evaluation, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(TimingResult timing,
                      judge_->Compare(rival, kernel, plan, evaluation.seconds, stop));
  if (timing.device) evaluation.device = timing.device;
  // A comparison tells of the sizes and, not always, of what runs; a check of calls and oracle.
  if (timing.module && !evaluation.module) evaluation.module = timing.module;
  if (timing.module && timing.module->coverage >= 0) {
    evaluation.module->coverage = timing.module->coverage;
    evaluation.module->activities = std::move(timing.module->activities);
  }
  if (timing.module) evaluation.module->graphs = timing.module->graphs;
  return timing;
}

Status LocalEvaluator::Time(const EvaluationRequest& request, Kernel kernel, Evaluation& evaluation,
                            std::stop_token stop) {
  const SeedKernel* seed = task_.FindSeed(backend_.name());
  const std::string& baseline_source =
      !request.baseline_source.empty() || seed == nullptr ? request.baseline_source : seed->source;
  KS_ASSIGN_OR_RETURN(const Kernel baseline, CompileRival(baseline_source, stop));
  Kernel rival = baseline;
  Interval rival_speedup = {1, 1, 1};
  Interval rival_over_parent = {1, 1, 1};
  if (request.parent) {
    const bool stand_in = request.champion &&
                          request.champion->speedup.mid > kSlowParent * request.parent->speedup.mid;
    const Rival& chosen = stand_in ? *request.champion : *request.parent;
    KS_ASSIGN_OR_RETURN(rival, CompileRival(chosen.source, stop));
    rival_speedup = chosen.speedup;
    if (stand_in) rival_over_parent = Chain(Inverse(request.parent->speedup), chosen.speedup);
  }
  const double effort = request.source == baseline_source ? kSeedEffort : 1.0;
  TimingPlan plan = PlanFor(request, WorkloadRole::kTime, effort, false);
  // No gain over the parent comes of less. Probes of the baseline have no parent: all are timed.
  if (request.parent) plan.hopeless_below = 1 / rival_over_parent.high;
  KS_ASSIGN_OR_RETURN(TimingResult timing, Compare(*rival, *kernel, plan, evaluation, stop));
  if (timing.rival_failed && rival != baseline) {
    rival_speedup = rival_over_parent = {1, 1, 1};
    KS_ASSIGN_OR_RETURN(
        timing, Compare(*baseline, *kernel, PlanFor(request, WorkloadRole::kTime, 1.0, false),
                        evaluation, stop));
  }
  if (timing.rival_failed && timing.rival_fault) {
    evaluation.outcome = Rejected{
        "rival_fails", "the baseline fails beside it: " + OutcomeSummary(*timing.rival_fault)};
    return {};
  }
  if (timing.rival_failed) {
    return Error{ErrorCode::kFailedPrecondition,
                 "the baseline of task '" + task_.name + "' fails while it is timed"};
  }
  if (timing.fault) {
    evaluation.outcome = *std::move(timing.fault);
    return {};
  }
  Measured measured;
  measured.timings = std::move(timing.timings);
  for (WorkloadTiming& one : measured.timings) {
    one.gain = Chain(rival_over_parent, one.gain);
    one.parent_median_ns *= rival_over_parent.mid;
  }
  measured.gain = Chain(rival_over_parent, timing.gain);
  measured.gain_significant = IsSignificantGain(measured.gain, config_.gain_margin);
  measured.speedup = Chain(rival_speedup, timing.gain);
  if (request.source == baseline_source) {  // itself: only its times were wanted
    measured.gain = measured.speedup = {1, 1, 1};
    measured.gain_significant = false;
  }
  measured.bottleneck = timing.bottleneck.empty() ? "unknown" : timing.bottleneck;
  const bool champion = request.champion && measured.gain_significant &&
                        measured.speedup.mid > request.champion->speedup.mid;
  evaluation.outcome = std::move(measured);
  if (champion) return Confirm(request, *kernel, *baseline, evaluation, stop);
  return {};
}

// Fresh processes, fresh contents: against the champion, then directly against the baseline.
Status LocalEvaluator::Confirm(const EvaluationRequest& request, const CompiledKernel& kernel,
                               const CompiledKernel& baseline, Evaluation& evaluation,
                               std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const Kernel champion, CompileRival(request.champion->source, stop));
  KS_ASSIGN_OR_RETURN(TimingResult again,
                      Compare(*champion, kernel, PlanFor(request, WorkloadRole::kTime, 1.0, true),
                              evaluation, stop));
  if (again.fault) {
    evaluation.outcome = *std::move(again.fault);
    return {};
  }
  if (again.rival_failed) return {};
  Measured measured = std::get<Measured>(evaluation.outcome);
  const Interval through_champion = Chain(request.champion->speedup, again.gain);
  if (request.parent && request.parent->source == request.champion->source) {
    // The same pair twice: the gain counts only when both measurements say so.
    measured.gain_significant =
        measured.gain_significant && IsSignificantGain(again.gain, config_.gain_margin);
    if (again.gain.mid < measured.gain.mid) measured.gain = again.gain;
  }
  measured.speedup = through_champion;
  if (!IsSignificantGain(again.gain, config_.gain_margin)) {
    evaluation.outcome = std::move(measured);
    return {};
  }
  measured.confirmed = true;
  const bool direct_already = champion.get() == &baseline;
  if (direct_already) measured.speedup = again.gain;
  if (!direct_already && request.champion->confirmed && again.gain.mid <= kDirectGain) {
    evaluation.outcome = std::move(measured);
    return {};
  }
  if (!direct_already) {
    KS_ASSIGN_OR_RETURN(TimingResult direct,
                        Compare(baseline, kernel, PlanFor(request, WorkloadRole::kTime, 0.5, true),
                                evaluation, stop));
    if (direct.fault) {
      evaluation.outcome = *std::move(direct.fault);
      return {};
    }
    if (!direct.rival_failed) {
      measured.speedup = Reconcile(through_champion, direct.gain);
    }
  }
  evaluation.outcome = std::move(measured);
  if (!request.held_out || task_.WorkloadsOf(WorkloadRole::kHeldOut).empty()) return {};
  KS_ASSIGN_OR_RETURN(
      TimingResult held_out,
      Compare(baseline, kernel, PlanFor(request, WorkloadRole::kHeldOut, 0.25, false), evaluation,
              stop));
  if (held_out.fault) {
    evaluation.outcome = *std::move(held_out.fault);
    return {};
  }
  evaluation.held_out = std::move(held_out.timings);
  return {};
}

}  // namespace ks
