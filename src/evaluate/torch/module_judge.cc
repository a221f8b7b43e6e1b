#include "evaluate/torch/module_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <shared_mutex>
#include <utility>

#include "base/hash.h"
#include "base/rng.h"
#include "evaluate/stage_timer.h"
#include "evaluate/torch/module_check.h"
#include "evaluate/torch/module_timer.h"

namespace ks {
namespace {

// Of every source, so that a module cannot tell by its name what it is run for.
constexpr const char* kFile = "candidate.py";
// A kept rival that takes so much longer than it did is timed again in a fresh process.
constexpr double kMostOverUsual = 1.05;
// torch.compile, as a rival, compiles much longer than a candidate may.
constexpr double kPatience = 4;

bool MayBeRetried(ErrorCode code) { return code != ErrorCode::kCancelled; }

// What the trusted side says when something is amiss beside it; hosts that do not start are not.
bool MayBeItsDoing(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kInternal;
}

// Of a candidate without which the trusted side works.
Outcome BesideIt(const std::string& workload, const Error& error) {
  return Crashed{workload, 0, "the trusted side fails beside it: " + error.message};
}

// A graph takes another time than calls.
constexpr const char* kAsGraph = " graph";
std::string UsualKey(const std::string& source, const TimingResult& result) {
  return Sha256Hex(source) + (result.module && result.module->graphs ? kAsGraph : "");
}

}  // namespace

ModuleJudge::ModuleJudge(std::shared_ptr<ModuleSession> session, ModuleSource module,
                         const EvaluationConfig& config, int together)
    : session_(std::move(session)),
      module_(std::move(module)),
      config_(config),
      together_(together) {
  session_->Allow(ProcessesFor(together_));
}

ModuleJudge::~ModuleJudge() {
  kept_.clear();  // they go back
  session_->Allow(-ProcessesFor(together_));
}

Result<std::unique_ptr<ModuleJudge>> ModuleJudge::Create(std::shared_ptr<ModuleSession> session,
                                                         ModuleSource module,
                                                         const EvaluationConfig& config,
                                                         int together, std::stop_token stop) {
  std::unique_ptr<ModuleJudge> judge(new ModuleJudge(std::move(session), std::move(module), config,
                                                     together));  // private
  KS_ASSIGN_OR_RETURN(const Lease lease, judge->Open(std::move(stop)));
  return judge;
}

Result<ModuleJudge::Lease> ModuleJudge::Open(std::stop_token stop) {
  Lease lease{std::unique_lock(session_->lease())};
  if (reference_ == nullptr && !chosen_.is_null()) {
    KS_ASSIGN_OR_RETURN(reference_, session_->OpenAgain(module_, chosen_, std::move(stop)));
  } else if (reference_ == nullptr) {
    KS_ASSIGN_OR_RETURN(OpenModule opened, session_->Open(module_, std::move(stop)));
    if (!opened.admission.admitted) {
      return Error{ErrorCode::kInvalidArgument, fmt::format("{} is not admitted: {}", module_.file,
                                                            opened.admission.FirstFault())};
    }
    facts_ = opened.admission.facts;
    chosen_ = opened.reference->chosen;
    reference_ = std::move(opened.reference);
  }
  lease.reference = reference_.get();
  return lease;
}

void ModuleJudge::Close() {
  const std::lock_guard lock(session_->lease());
  reference_.reset();
  session_->EndRunner();
}

std::unique_ptr<ModuleCandidate> ModuleJudge::TakeKept(const std::string& source) {
  const std::lock_guard lock(kept_mutex_);
  const auto found = std::ranges::find(kept_, source, &decltype(kept_)::value_type::first);
  if (found == kept_.end()) return nullptr;
  std::unique_ptr<ModuleCandidate> process = std::move(found->second);
  kept_.erase(found);
  process->Pause(false);
  return process;
}

void ModuleJudge::Keep(const std::string& source, std::unique_ptr<ModuleCandidate> process,
                       const std::stop_token& stop) {
  {
    const std::shared_lock busy(session_->gate());
    if (!process->Rest(stop)) return;
  }
  process->Pause(true);
  std::unique_ptr<ModuleCandidate> oldest;  // ends without the lock
  const std::lock_guard lock(kept_mutex_);
  kept_.emplace_back(source, std::move(process));
  if (kept_.size() <= static_cast<size_t>(MostKept(together_))) return;
  oldest = std::move(kept_.front().second);
  kept_.pop_front();
}

Result<ModuleJudge::Ready> ModuleJudge::GetReady(const std::string& source, bool may_be_kept,
                                                 bool own, bool& begun, std::stop_token stop) {
  Ready ready;
  if (may_be_kept) ready.process = TakeKept(source);
  ready.kept = ready.process != nullptr;
  if (ready.kept) return ready;
  KS_ASSIGN_OR_RETURN(ready.process, session_->StartCandidate(facts_, stop));
  begun = true;
  if (own) ready.process->AllowAnyThreads();
  const std::shared_lock busy(session_->gate());
  KS_ASSIGN_OR_RETURN(ready.fault,
                      LoadModule(*ready.process, {kFile, source}, facts_, config_, stop));
  if (!ready.fault) {
    const double timeout_s = config_.call_timeout_s + config_.compile_timeout_s;
    KS_ASSIGN_OR_RETURN(
        ready.fault, Rehearse(*ready.process, timeout_s * (own ? kPatience : 1), std::move(stop)));
  }
  return ready;
}

// Triton compiles with the first call: that takes a second and more, and nobody has to wait for it.
// Where our side fails, or there is no room beside what else goes on, the check will tell.
Result<std::optional<Outcome>> ModuleJudge::Rehearse(ModuleCandidate& candidate, double timeout_s,
                                                     std::stop_token stop) {
  if (!session_->device().is_cuda()) return std::optional<Outcome>();
  const Result<ModuleCall> call = DrawRehearsal(stop);
  if (!call.ok()) {
    if (call.error().code == ErrorCode::kCancelled) return call.error();
    return std::optional<Outcome>();
  }
  KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault,
                      RunCall(candidate, *call, timeout_s, std::move(stop)));
  if (fault && std::holds_alternative<OutOfMemory>(*fault)) fault.reset();
  return fault;
}

Result<ModuleCall> ModuleJudge::DrawRehearsal(std::stop_token stop) {
  const std::lock_guard lock(rehearsal_mutex_);
  if (rehearser_ == nullptr) {
    KS_ASSIGN_OR_RETURN(rehearser_, session_->OpenAgain(module_, chosen_, stop));
  }
  const uint64_t seed = SecretSeed();
  auto drawn = DrawCall(*rehearser_,
                        {{"op", "draw"},
                         {"input_seed", DeriveSeed(seed, "inputs", 0)},
                         {"model_seed", DeriveSeed(seed, "weights", 0)},
                         {"new_memory", true}},
                        stop);
  const bool rested = rehearser_->MustAnswer({{"op", "rest"}}, "rested", std::move(stop)).ok();
  if (!drawn.ok() || !rested) rehearser_.reset();
  if (!drawn.ok()) return drawn.error();
  if (auto* const call = std::get_if<ModuleCall>(&*drawn)) return std::move(*call);
  return Error{ErrorCode::kUnavailable, "no room for a rehearsal"};
}

Status ModuleJudge::CheckOnce(const CompiledKernel& kernel, uint64_t secret_seed,
                              StageSeconds& seconds, CheckResult& result, bool& begun,
                              std::stop_token stop) {
  result = {};
  begun = false;
  ModuleFacts& facts = result.module.emplace(facts_);
  Ready ready;
  {
    const StageTimer timer(seconds.compile);
    KS_ASSIGN_OR_RETURN(ready, GetReady(kernel.binary, false, false, begun, stop));
  }
  result.fault = std::move(ready.fault);
  if (result.fault) return {};
  {
    Result<Lease> lease = [&] {
      const StageTimer timer(seconds.queue);
      return Open(stop);
    }();
    if (!lease.ok()) return lease.error();
    const StageTimer timer(seconds.check);
    KS_ASSIGN_OR_RETURN(result.fault, CheckModule(*lease->reference, *ready.process, config_,
                                                  secret_seed, facts, stop));
    KS_ASSIGN_OR_RETURN(const auto rested,
                        lease->reference->MustAnswer({{"op", "rest"}}, "rested", stop));
    static_cast<void>(rested);
  }
  if (!result.fault) Keep(kernel.binary, std::move(ready.process), stop);
  return {};
}

Result<CheckResult> ModuleJudge::Check(const CompiledKernel& kernel, uint64_t secret_seed,
                                       StageSeconds& seconds, std::stop_token stop) {
  CheckResult result;
  bool begun = false;
  Status done = CheckOnce(kernel, secret_seed, seconds, result, begun, stop);
  if (done.ok()) return result;
  if (!MayBeRetried(done.error().code)) return done.error();
  Close();
  done = CheckOnce(kernel, secret_seed, seconds, result, begun, stop);
  if (done.ok()) return result;
  Close();
  if (!MayBeRetried(done.error().code) || !begun) return done.error();
  KS_ASSIGN_OR_RETURN(const Lease lease, Open(std::move(stop)));
  result.fault = BesideIt(facts_.workload, done.error());
  return result;
}

Result<TimingResult> ModuleJudge::CompareOnce(const CompiledKernel& rival,
                                              const CompiledKernel& candidate,
                                              const TimingPlan& plan, bool may_be_kept,
                                              StageSeconds& seconds, std::stop_token stop) {
  std::unique_lock comparison(comparison_, std::defer_lock);
  {
    const StageTimer timer(seconds.queue);
    comparison.lock();
  }
  Ready one, other;
  {
    const StageTimer timer(seconds.compile);
    bool begun = false, begun_too = false;
    auto ready = std::async(std::launch::async, [&] {
      return GetReady(rival.binary, may_be_kept, plan.own_rival, begun_too, stop);
    });
    Result<Ready> own = GetReady(candidate.binary, may_be_kept, false, begun, stop);
    KS_ASSIGN_OR_RETURN(one, ready.get());
    KS_ASSIGN_OR_RETURN(other, std::move(own));
  }
  TimingResult result;
  result.module = facts_;
  if (one.fault) {
    result.rival_failed = true;
    result.rival_fault = std::move(one.fault);
    return result;
  }
  if (other.fault) {
    result.fault = std::move(other.fault);
    return result;
  }
  KS_ASSIGN_OR_RETURN(std::optional<TimingResult> timed,
                      Time(rival, candidate, one, other, plan, seconds, stop));
  if (!timed) {
    one.process->End();
    other.process->End();
    comparison.unlock();
    return CompareOnce(rival, candidate, plan, false, seconds, std::move(stop));
  }
  result = *std::move(timed);
  const bool works = !result.fault && !result.rival_failed;
  if (works && plan.fresh && session_->device().is_cuda()) {
    one.process->End();
    comparison.unlock();  // the tracer takes seconds to start
    const std::shared_lock busy(session_->gate());
    KS_RETURN_IF_ERROR(
        TraceModule(*other.process, candidate.binary, *result.module, std::move(stop)));
    return result;
  }
  if (one.kept && IsDoubtful(rival.binary, result)) {
    one.process->End();
    comparison.unlock();
    return CompareOnce(rival, candidate, plan, false, seconds, std::move(stop));
  }
  if (!works || plan.fresh) return result;
  usual_ns_.emplace(UsualKey(candidate.binary, result), result.timings.front().median_ns);
  Keep(rival.binary, std::move(one.process), stop);
  if (rival.binary != candidate.binary) Keep(candidate.binary, std::move(other.process), stop);
  return result;
}

Result<std::optional<TimingResult>> ModuleJudge::Time(const CompiledKernel& rival,
                                                      const CompiledKernel& candidate, Ready& one,
                                                      Ready& other, const TimingPlan& plan,
                                                      StageSeconds& seconds, std::stop_token stop) {
  const std::string rival_hash = Sha256Hex(rival.binary);
  const std::string candidate_hash = Sha256Hex(candidate.binary);
  const bool graphs = session_->device().is_cuda() && config_.cuda_graphs != 0 &&
                      !plan.call_by_call && !no_graph_.contains(rival_hash) &&
                      !no_graph_.contains(candidate_hash);
  std::unique_lock quiet(session_->gate(), std::defer_lock);
  {
    const StageTimer timer(seconds.queue);
    if (plan.quiet) quiet.lock();
  }
  Result<Lease> lease = [&] {
    const StageTimer timer(seconds.queue);
    return Open(stop);
  }();
  if (!lease.ok()) return lease.error();
  const StageTimer timer(seconds.time);
  ModuleHistory history{UsualNs(rival_hash + (graphs ? kAsGraph : "")), rest_ns_[graphs]};
  ModulePairTimer pair(*session_, *lease->reference, facts_, config_, plan);
  KS_ASSIGN_OR_RETURN(TimingResult result,
                      pair.Run(*one.process, *other.process, graphs, history, std::move(stop)));
  rest_ns_[graphs] = history.rest_ns;
  if (pair.NoGraphOfRival()) no_graph_.insert(rival_hash);
  if (pair.NoGraphOfCandidate()) no_graph_.insert(candidate_hash);
  if (pair.NoGraphOfRival() || pair.NoGraphOfCandidate()) return std::optional<TimingResult>();
  return std::optional(std::move(result));
}

bool ModuleJudge::IsDoubtful(const std::string& rival, const TimingResult& result) const {
  if (result.rival_failed) return true;
  if (result.fault || result.timings.empty()) return false;
  const double usual_ns = UsualNs(UsualKey(rival, result));
  return usual_ns > 0 && result.timings.front().parent_median_ns > kMostOverUsual * usual_ns;
}

double ModuleJudge::UsualNs(const std::string& key) const {
  const auto found = usual_ns_.find(key);
  return found == usual_ns_.end() ? 0 : found->second;
}

Result<TimingResult> ModuleJudge::Compare(const CompiledKernel& rival,
                                          const CompiledKernel& candidate, const TimingPlan& plan,
                                          StageSeconds& seconds, std::stop_token stop) {
  Result<TimingResult> result = CompareOnce(rival, candidate, plan, !plan.fresh, seconds, stop);
  if (!result.ok()) Close();  // the trusted process may be in the middle of something
  if (!result.ok() && MayBeRetried(result.error().code)) {
    result = CompareOnce(rival, candidate, plan, false, seconds, stop);
    if (!result.ok()) Close();
  }
  if (result.ok() && !result->rival_failed) return result;
  if (!result.ok() && !MayBeRetried(result.error().code)) return result;
  TimingResult blamed;
  blamed.module = facts_;
  if (rival.binary == candidate.binary) {
    if (!result.ok() && !MayBeItsDoing(result.error().code)) return result;
    blamed.fault = result.ok() ? *result->rival_fault : BesideIt(facts_.workload, result.error());
    Close();
    KS_ASSIGN_OR_RETURN(const Lease lease, Open(std::move(stop)));
    return blamed;
  }
  if (!RunsAlone(rival, plan, seconds, std::move(stop))) return result;
  if (!result.ok()) {
    blamed.fault = BesideIt(facts_.workload, result.error());
  } else if (std::holds_alternative<OutOfMemory>(*result->rival_fault)) {
    blamed.fault = OutOfMemory{"time", 0};  // the two have no room together
  } else {
    blamed.fault = Rejected{"rival_fails", "its rival fails beside it, not alone: " +
                                               OutcomeSummary(*result->rival_fault)};
  }
  return blamed;
}

bool ModuleJudge::RunsAlone(const CompiledKernel& rival, const TimingPlan& plan,
                            StageSeconds& seconds, std::stop_token stop) {
  TimingPlan brief = plan;
  brief.fresh = false;  // no trace
  brief.rule.max_pairs = brief.rule.min_pairs;
  for (const bool again : {false, true}) {
    const auto alone = CompareOnce(rival, rival, brief, false, seconds, stop);
    if (alone.ok()) return !alone->fault && !alone->rival_failed;
    if (again || !MayBeRetried(alone.error().code)) break;
    Close();
  }
  return false;
}

}  // namespace ks
