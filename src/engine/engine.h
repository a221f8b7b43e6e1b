// The loop: select, propose, evaluate, record, add to the archive. Sees values and ports only.
//
// Determinism. Step s is proposed from the state after the results of all steps <= s - in_flight
// were applied in step order, whatever order they arrived in. So a run is a function of its
// configuration and its recorded outcomes, and `in_flight` steps overlap. A slow proposer is asked
// on other threads; its proposals are evaluated as they arrive and recorded in step order, where
// one that repeats the source of an earlier step becomes its duplicate. Results are committed to
// the store as they arrive; `kill -9` loses at most what was in flight.
#ifndef KS_ENGINE_ENGINE_H_
#define KS_ENGINE_ENGINE_H_

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "core/archive.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "core/novelty.h"
#include "core/observer.h"
#include "core/proposer.h"
#include "core/store.h"

namespace ks {

// Who and what a run is; goes into its first event.
struct RunIdentity {
  std::string run_id;
  std::string version;
  std::string config_json;
  std::string config_hash;
  std::string prior_skills;  // of a new run: as RunStarted has them; a recorded one has its own
};

// Everything the loop needs, owned by the caller and outliving the call.
struct EngineParts {
  Evaluator& evaluator;
  Proposer& proposer;
  Archive& archive;  // empty on entry
  Store& store;
  const Clock& clock;
  std::vector<Observer*> observers;
  // Text that is equal for sources that differ only in comments, white space or local names.
  std::function<std::string(const std::string&)> normalize;
  // The seed as written, then the seed with other flags: the fastest correct one is the baseline.
  std::vector<std::string> baseline_variants;
  // Refuses near copies of what led nowhere before they are evaluated; empty on entry. Null: no.
  Novelty* novelty = nullptr;
};

struct RunEnd {
  std::string reason;  // as in RunStopped
  int64_t steps = 0;   // proposals after the baseline probes
  CandidateId best = kNoCandidate;
  std::string archive_hash;
};

// Runs until a limit of `config`, `stop`, or the proposer's end (reason "budget" when its budget is
// spent; any other error of it is returned once everything under way was recorded). When the store
// already holds events the run is resumed: recorded outcomes are taken over, candidates without one
// are evaluated, nothing is measured twice. ERRORS: kInvalidArgument when the seed does not compile
// or is wrong; the store's and the evaluator's errors; kDataLoss when the record does not belong to
// this task and configuration.
Result<RunEnd> RunSearch(const RunConfig& config, const RunIdentity& identity,
                         const EngineParts& parts, std::stop_token stop);

// What ReplaySearch found.
struct ReplayReport {
  bool same = false;
  int64_t proposals = 0;         // compared one by one
  std::string recorded_hash;     // archive folded from the record
  std::string replayed_hash;     // archive of the search run again on the recorded outcomes
  std::string first_difference;  // empty when same
};

// Runs the search again with the recorded outcomes in place of the evaluator, in memory, and
// compares every proposal and the archive. `parts.store` is only read; `parts.archive` receives the
// recorded fold, `replay_archive` (empty) the replayed one, whose members have hashes but no texts
// afterwards. ERRORS: kDataLoss; the proposer's.
Result<ReplayReport> ReplaySearch(const RunConfig& config, const RunIdentity& identity,
                                  const EngineParts& parts, Archive& replay_archive,
                                  std::stop_token stop);

// Adds all judged candidates of a record to `archive` in step order. The texts of its members are
// read from `store`, which outlives them. ERRORS: kDataLoss.
Status RebuildArchive(const Store& store, Archive& archive);

}  // namespace ks

#endif  // KS_ENGINE_ENGINE_H_
