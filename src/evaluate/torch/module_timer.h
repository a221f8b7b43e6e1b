// Times a module against another, each in a process of its own, on one device.
//
// For each call the trusted side writes secret inputs, flushes the caches, tells the process to go
// and copies what lies in its outputs; its clock runs all the time, and what it takes itself beyond
// the usual counts, too, so nothing can be done off the clock. Marks set inside the candidate's
// process give the time of one call more precisely; they are believed only where the clock outside
// agrees (module_clock.h). Whoever is not timed is stopped meanwhile.
#ifndef KS_EVALUATE_TORCH_MODULE_TIMER_H_
#define KS_EVALUATE_TORCH_MODULE_TIMER_H_

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "core/config.h"
#include "evaluate/judge.h"
#include "evaluate/torch/module_clock.h"
#include "evaluate/torch/module_session.h"
#include "sandbox/unique_fd.h"

namespace ks {

// What earlier comparisons tell; 0: not known.
struct ModuleHistory {
  double rival_ns = 0;  // what a call of the rival took as a candidate
  double rest_ns = 0;   // what getting ready for a call took at least (RestNs)
};

// One comparison. Single thread. All arguments outlive it.
class ModulePairTimer {
 public:
  ModulePairTimer(ModuleSession& session, ModuleReference& reference, const ModuleFacts& facts,
                  const EvaluationConfig& config, const TimingPlan& plan);

  // The processes have loaded what they are. With `graphs` both sides run as CUDA graphs; where one
  // cannot, there is no timing, and NoGraph says of whom. REQUIRES: the device is leased. ERRORS:
  // our side only.
  // `history` is brought up to date.
  Result<TimingResult> Run(ModuleCandidate& rival, ModuleCandidate& candidate, bool graphs,
                           ModuleHistory& history, std::stop_token stop);
  bool NoGraphOfRival() const { return no_graph_[kRival]; }
  bool NoGraphOfCandidate() const { return no_graph_[kCandidate]; }

 private:
  // The numbers of the memories.
  enum Side { kRival, kCandidate, kEmpty };
  static Side Other(Side side) { return side == kRival ? kCandidate : kRival; }
  // The trusted side had no memory: whichever side ran, the candidate is out of it.
  struct NoRoom {
    Outcome outcome;
  };
  using Ran = std::variant<ModuleRun, Outcome, NoRoom>;

  Result<TimingResult> Compare(ModuleCandidate& rival, ModuleCandidate& candidate, bool graphs,
                               const std::stop_token& stop);
  // Every side has its memory and a warm model; else why not.
  Status Stage(TimingResult& result, const std::stop_token& stop);
  Result<std::optional<Outcome>> Prepare(Side side, const nlohmann::json& staged, int memory,
                                         const std::stop_token& stop);
  Status Calibrate(TimingResult& result, const std::stop_token& stop);
  Status TakePairs(TimingResult& result, const std::stop_token& stop);
  // Nothing of a candidate is at work where nothing should be; else who is to blame.
  Status CheckRest(TimingResult& result);
  // With what getting ready and keeping outputs took beyond the usual.
  std::vector<ModuleRun> Charged(std::vector<ModuleRun> runs) const;
  // By the marks, within what the clock outside saw; and whether that takes next to nothing off.
  Interval Gain() const;
  bool IsSeenOutside() const;
  // Whether more pairs of a search's comparison would only tell how little is gained, if anything.
  bool IsSettled() const;
  Status TakePair(int pair, TimingResult& result, const std::stop_token& stop);
  // Whether a side's marks may be believed; else why not.
  Status Settle(Side side, TimingResult& result, const std::stop_token& stop);
  // Draws new inputs; the next runs of all sides see the same.
  Status Sow(TimingResult& result, const std::stop_token& stop);
  // One run of `calls_` calls. After the watched one, inputs must be what they were.
  Result<Ran> Measure(Side side, int watched, const std::stop_token& stop);
  // The set that is judged of what was sown last, and its call watched.
  int JudgedSet() const;
  void Abort(Side side) const;  // nobody waits for the beat of that side any more
  // A run and the verdict on it. Empty: `result` says who failed.
  Result<std::optional<ModuleRun>> TakeRun(Side side, bool judge_all, TimingResult& result,
                                           const std::stop_token& stop);
  // The verdict on one set of the last run's outputs, which nobody can foretell and which is the
  // same for both sides, by the plain result; or on `all`, that one by the fp64 oracle.
  Result<std::optional<Outcome>> Judge(Side side, bool all, TimingResult& result,
                                       const std::stop_token& stop);
  std::vector<int> AllSets() const;
  // ERRORS: kInternal when the runner fails, but for want of memory.
  Status Blame(Side side, Outcome outcome, TimingResult& result) const;
  void Summarize(TimingResult& result) const;

  ModuleSession& session_;
  ModuleReference& reference_;
  const ModuleFacts& facts_;
  const EvaluationConfig& config_;
  const TimingPlan plan_;
  Rng rng_;
  const Side first_;  // drawn, so that the order does not tell a module which side it is
  PairedStopping stopping_;
  std::array<ModuleCandidate*, 3> sides_{};
  std::array<std::vector<ModuleRun>, 3> runs_;
  ModuleHistory history_;
  bool graphs_ = false;
  std::array<bool, 3> no_graph_{};
  std::array<UniqueFd, 3> beats_;  // pages that a side and the trusted side share
  int64_t next_call_ = 1;          // on them
  int staged_ = 0;                 // sets of inputs
  uint64_t sown_ = 0;              // seed of what was drawn last
  int calls_ = 0;                  // of one run
};

// What runs on the device during a call of a process that was timed. Unchanged when that cannot be
// had. Starting the tracer takes seconds.
Status TraceModule(ModuleCandidate& candidate, const std::string& source, ModuleFacts& facts,
                   std::stop_token stop);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_TIMER_H_
