// The judge of candidates for one PyTorch module: check and timing, in processes of their own.
#ifndef KS_EVALUATE_TORCH_MODULE_JUDGE_H_
#define KS_EVALUATE_TORCH_MODULE_JUDGE_H_

#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "core/config.h"
#include "evaluate/judge.h"
#include "evaluate/torch/module_session.h"

namespace ks {

// Thread-safe: one check or comparison at a time. The trusted process holds the module open from
// one evaluation to the next; where it dies it is opened again, once an evaluation. What fails
// beside a candidate twice, and not without it, is the candidate's doing: an outcome.
class ModuleJudge final : public Judge {
 public:
  // Opens the module. ERRORS: kInvalidArgument (it is not admitted), as ModuleSession::Open.
  static Result<std::unique_ptr<ModuleJudge>> Create(std::unique_ptr<ModuleSession> session,
                                                     ModuleSource module, std::stop_token stop);

  Result<CheckResult> Check(const CompiledKernel& kernel, uint64_t secret_seed,
                            StageSeconds& seconds, std::stop_token stop) override;
  Result<TimingResult> Compare(const CompiledKernel& rival, const CompiledKernel& candidate,
                               const TimingPlan& plan, StageSeconds& seconds,
                               std::stop_token stop) override;
  // How the module is judged: sizes, precision.
  const ModuleFacts& facts() const { return facts_; }
  // "torch 2.11.0, triton 3.6.0".
  std::string Versions() const { return session_->Versions(); }

 private:
  ModuleJudge(std::unique_ptr<ModuleSession> session, ModuleSource module)
      : session_(std::move(session)), module_(std::move(module)) {}

  Status OpenOnce(std::stop_token stop);
  // Fills `result.module` as far as it comes; `begun`: the candidate had a process.
  Status CheckOnce(const CompiledKernel& kernel, uint64_t secret_seed, CheckResult& result,
                   bool& begun, std::stop_token stop);
  Result<TimingResult> CompareOnce(const CompiledKernel& rival, const CompiledKernel& candidate,
                                   const TimingPlan& plan, std::stop_token stop);
  // Whether the rival can be timed where the candidate is not: against itself, briefly.
  bool RunsAlone(const CompiledKernel& rival, const TimingPlan& plan, std::stop_token stop);

  const std::unique_ptr<ModuleSession> session_;
  const ModuleSource module_;
  ModuleFacts facts_;  // constant after Create
  std::mutex mutex_;   // guards all below, and the session
  std::unique_ptr<ModuleReference> reference_;
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_JUDGE_H_
