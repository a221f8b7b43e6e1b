#include "evaluate/torch/module_judge.h"

#include <fmt/format.h>

#include <utility>

#include "base/rng.h"
#include "evaluate/stage_timer.h"
#include "evaluate/torch/module_check.h"
#include "evaluate/torch/module_timer.h"

namespace ks {
namespace {

// Of every source, so that a module cannot tell by its name what it is run for.
constexpr const char* kFile = "candidate.py";

bool MayBeRetried(ErrorCode code) { return code != ErrorCode::kCancelled; }

// What the trusted side says when something is amiss beside it; hosts that do not start are not.
bool MayBeItsDoing(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kInternal;
}

// Of a candidate without which the trusted side works.
Outcome BesideIt(const std::string& workload, const Error& error) {
  return Crashed{workload, 0, "the trusted side fails beside it: " + error.message};
}

}  // namespace

Result<std::unique_ptr<ModuleJudge>> ModuleJudge::Create(std::unique_ptr<ModuleSession> session,
                                                         ModuleSource module,
                                                         std::stop_token stop) {
  std::unique_ptr<ModuleJudge> judge(
      new ModuleJudge(std::move(session), std::move(module)));  // private
  KS_RETURN_IF_ERROR(judge->OpenOnce(std::move(stop)));
  return judge;
}

Status ModuleJudge::OpenOnce(std::stop_token stop) {
  if (reference_ != nullptr) return {};
  KS_ASSIGN_OR_RETURN(OpenModule opened, session_->Open(module_, std::move(stop)));
  if (!opened.admission.admitted) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} is not admitted: {}", module_.file,
                                                          opened.admission.FirstFault())};
  }
  if (facts_.workload.empty()) facts_ = opened.admission.facts;
  reference_ = std::move(opened.reference);
  return {};
}

Status ModuleJudge::CheckOnce(const CompiledKernel& kernel, uint64_t secret_seed,
                              CheckResult& result, bool& begun, std::stop_token stop) {
  result = {};
  begun = false;
  KS_RETURN_IF_ERROR(OpenOnce(stop));
  ModuleFacts& facts = result.module.emplace(facts_);
  using enum ModuleSession::Slot;
  const auto slot = (DeriveSeed(secret_seed, "slot", 0) & 1) == 0 ? kFirst : kSecond;
  KS_ASSIGN_OR_RETURN(const auto candidate, session_->StartCandidate(slot, facts, stop));
  begun = true;
  KS_ASSIGN_OR_RETURN(result.fault,
                      LoadModule(*candidate, {kFile, kernel.binary}, session_->config(), stop));
  if (!result.fault) {
    KS_ASSIGN_OR_RETURN(result.fault, CheckModule(*reference_, *candidate, session_->config(),
                                                  secret_seed, facts, std::move(stop)));
  }
  candidate->End();
  return {};
}

Result<CheckResult> ModuleJudge::Check(const CompiledKernel& kernel, uint64_t secret_seed,
                                       StageSeconds& seconds, std::stop_token stop) {
  std::unique_lock lock(mutex_, std::defer_lock);
  {
    const StageTimer timer(seconds.queue);
    lock.lock();
  }
  const StageTimer timer(seconds.check);
  CheckResult result;
  bool begun = false;
  Status done = CheckOnce(kernel, secret_seed, result, begun, stop);
  if (done.ok()) return result;
  if (!MayBeRetried(done.error().code)) return done.error();
  reference_.reset();
  done = CheckOnce(kernel, secret_seed, result, begun, stop);
  if (done.ok()) return result;
  reference_.reset();
  if (!MayBeRetried(done.error().code) || !begun) return done.error();
  KS_RETURN_IF_ERROR(OpenOnce(std::move(stop)));
  result.fault = BesideIt(facts_.workload, done.error());
  return result;
}

Result<TimingResult> ModuleJudge::CompareOnce(const CompiledKernel& rival,
                                              const CompiledKernel& candidate,
                                              const TimingPlan& plan, std::stop_token stop) {
  KS_RETURN_IF_ERROR(OpenOnce(stop));
  ModulePairTimer timer(*session_, *reference_, facts_, plan);
  return timer.Run({kFile, rival.binary}, {kFile, candidate.binary}, std::move(stop));
}

Result<TimingResult> ModuleJudge::Compare(const CompiledKernel& rival,
                                          const CompiledKernel& candidate, const TimingPlan& plan,
                                          StageSeconds& seconds, std::stop_token stop) {
  std::unique_lock lock(mutex_, std::defer_lock);
  {
    const StageTimer timer(seconds.queue);
    lock.lock();
  }
  const StageTimer timer(seconds.time);
  Result<TimingResult> result = CompareOnce(rival, candidate, plan, stop);
  if (!result.ok() && MayBeRetried(result.error().code)) {
    reference_.reset();
    result = CompareOnce(rival, candidate, plan, stop);
  }
  if (result.ok() && !result->rival_failed) return result;
  if (!result.ok() && !MayBeRetried(result.error().code)) return result;
  TimingResult blamed;
  blamed.module = facts_;
  if (rival.binary == candidate.binary) {
    if (!result.ok() && !MayBeItsDoing(result.error().code)) return result;
    blamed.fault = result.ok() ? *result->rival_fault : BesideIt(facts_.workload, result.error());
    reference_.reset();
    KS_RETURN_IF_ERROR(OpenOnce(std::move(stop)));
    return blamed;
  }
  if (!RunsAlone(rival, plan, std::move(stop))) return result;
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
                            std::stop_token stop) {
  TimingPlan brief = plan;
  brief.fresh = false;  // no trace
  brief.rule.max_pairs = brief.rule.min_pairs;
  for (const bool again : {false, true}) {
    const auto alone = CompareOnce(rival, rival, brief, stop);
    if (alone.ok()) return !alone->fault && !alone->rival_failed;
    if (again || !MayBeRetried(alone.error().code)) break;
    reference_.reset();
  }
  return false;
}

}  // namespace ks
