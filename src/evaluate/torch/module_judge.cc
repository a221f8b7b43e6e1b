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

Result<std::optional<Outcome>> ModuleJudge::CheckOnce(const CompiledKernel& kernel,
                                                      uint64_t secret_seed, std::stop_token stop) {
  KS_RETURN_IF_ERROR(OpenOnce(stop));
  ModuleFacts facts = facts_;
  using enum ModuleSession::Slot;
  const auto slot = (DeriveSeed(secret_seed, "slot", 0) & 1) == 0 ? kFirst : kSecond;
  KS_ASSIGN_OR_RETURN(const auto candidate, session_->StartCandidate(slot, facts, stop));
  KS_ASSIGN_OR_RETURN(
      std::optional<Outcome> fault,
      LoadModule(*candidate, {kFile, kernel.binary}, session_->config(), stop));
  if (!fault) {
    KS_ASSIGN_OR_RETURN(fault, CheckModule(*reference_, *candidate, session_->config(), secret_seed,
                                           facts, std::move(stop)));
  }
  KS_RETURN_IF_ERROR(candidate->End());
  return fault;
}

Result<std::optional<Outcome>> ModuleJudge::Check(const CompiledKernel& kernel,
                                                  uint64_t secret_seed, StageSeconds& seconds,
                                                  std::stop_token stop) {
  std::unique_lock lock(mutex_, std::defer_lock);
  {
    const StageTimer timer(seconds.queue);
    lock.lock();
  }
  const StageTimer timer(seconds.check);
  auto result = CheckOnce(kernel, secret_seed, stop);
  if (result.ok() || !MayBeRetried(result.error().code)) return result;
  reference_.reset();
  return CheckOnce(kernel, secret_seed, std::move(stop));
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
  auto result = CompareOnce(rival, candidate, plan, stop);
  if (result.ok() || !MayBeRetried(result.error().code)) return result;
  reference_.reset();
  return CompareOnce(rival, candidate, plan, std::move(stop));
}

}  // namespace ks
