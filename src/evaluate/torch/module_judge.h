// The judge of candidates for one PyTorch module: check and timing, in processes of their own.
#ifndef KS_EVALUATE_TORCH_MODULE_JUDGE_H_
#define KS_EVALUATE_TORCH_MODULE_JUDGE_H_

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "core/config.h"
#include "evaluate/judge.h"
#include "evaluate/torch/fair_mutex.h"
#include "evaluate/torch/module_check.h"
#include "evaluate/torch/module_session.h"

namespace ks {

// Thread-safe. Candidates compile side by side; checks and comparisons have the device one at a
// time, and one that counts (TimingPlan::fresh) has it without any of the former. The process of a
// candidate that passed is kept for its comparison, and as the rival of later ones; where such a
// rival is slower than it was, it is not believed. The trusted process holds the module open from
// one evaluation to the next; where it dies it is opened again, once an evaluation. What fails
// beside a candidate twice, and not without it, is the candidate's doing: an outcome.
class ModuleJudge final : public Judge {
 public:
  // Opens the module. ERRORS: kInvalidArgument (it is not admitted), as ModuleSession::Open.
  // `together` evaluations go on at a time. The session may serve other judges, too.
  static Result<std::unique_ptr<ModuleJudge>> Create(std::shared_ptr<ModuleSession> session,
                                                     ModuleSource module,
                                                     const EvaluationConfig& config, int together,
                                                     std::stop_token stop);
  ~ModuleJudge() override;
  // How many processes of candidates there are at a time at most: those that are evaluated, those
  // that are kept and, in a comparison that keeps its hands off them, both sides.
  static int ProcessesFor(int together) { return together + MostKept(together) + 2; }

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
  // A process that has loaded a source and run once, so that it has compiled what it launches.
  struct Ready {
    std::unique_ptr<ModuleCandidate> process;
    std::optional<Outcome> fault;  // it failed
    bool kept = false;             // it served before
  };
  // The module open, and nobody else at the trusted process and the device.
  struct Lease {
    std::unique_lock<FairMutex> lock;
    ModuleReference* reference = nullptr;
  };

  ModuleJudge(std::shared_ptr<ModuleSession> session, ModuleSource module,
              const EvaluationConfig& config, int together);

  Result<Lease> Open(std::stop_token stop);
  void Close();  // the next Open starts afresh
  // `begun`: the candidate had a process. `own`: it is none, and may have threads.
  Result<Ready> GetReady(const std::string& source, bool may_be_kept, bool own, bool& begun,
                         std::stop_token stop);
  Result<std::optional<Outcome>> Rehearse(ModuleCandidate& candidate, double timeout_s,
                                          std::stop_token stop);
  // A call by the process that draws for rehearsals: nobody has to wait for the device.
  // ERRORS: kUnavailable (no room), kCancelled, our side.
  Result<ModuleCall> DrawRehearsal(std::stop_token stop);
  // How many candidates' processes may be kept: those that wait for their comparison, and a rival.
  static int MostKept(int together) { return together + 1; }
  void Keep(const std::string& source, std::unique_ptr<ModuleCandidate> process,
            const std::stop_token& stop);
  std::unique_ptr<ModuleCandidate> TakeKept(const std::string& source);

  // Fills `result.module` as far as it comes.
  Status CheckOnce(const CompiledKernel& kernel, uint64_t secret_seed, StageSeconds& seconds,
                   CheckResult& result, bool& begun, std::stop_token stop);
  Result<TimingResult> CompareOnce(const CompiledKernel& rival, const CompiledKernel& candidate,
                                   const TimingPlan& plan, bool may_be_kept, StageSeconds& seconds,
                                   std::stop_token stop);
  // As CUDA graphs where both can be one. Empty: one of them cannot, which is noted; its process
  // may have suffered.
  Result<std::optional<TimingResult>> Time(const CompiledKernel& rival,
                                           const CompiledKernel& candidate, Ready& one,
                                           Ready& other, const TimingPlan& plan,
                                           StageSeconds& seconds, std::stop_token stop);
  // Whether a kept rival failed or was slower than it was when it was a candidate.
  bool IsDoubtful(const std::string& rival, const TimingResult& result) const;
  // What a source took as a candidate; 0: not known.
  double UsualNs(const std::string& key) const;
  // Whether the rival can be timed where the candidate is not: against itself, briefly.
  bool RunsAlone(const CompiledKernel& rival, const TimingPlan& plan, StageSeconds& seconds,
                 std::stop_token stop);

  const std::shared_ptr<ModuleSession> session_;
  const ModuleSource module_;
  const EvaluationConfig config_;
  const int together_;
  ModuleFacts facts_;      // constant after Create
  nlohmann::json chosen_;  // sizes, too
  // Held by a comparison from when it gets its two processes: no two wait for each other's second.
  FairMutex comparison_;
  std::map<std::string, double> usual_ns_;  // by source hash, as candidates; guarded by it
  std::set<std::string> no_graph_;          // hashes of sources that are no CUDA graph; too
  std::array<double, 2> rest_ns_{};  // least of all comparisons, call by call, as graphs; too
  std::unique_ptr<ModuleReference> reference_;  // guarded by the session's lease
  std::mutex rehearsal_mutex_;
  std::unique_ptr<ModuleReference> rehearser_;
  std::mutex kept_mutex_;
  std::deque<std::pair<std::string, std::unique_ptr<ModuleCandidate>>> kept_;  // the latest last
};

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_JUDGE_H_
