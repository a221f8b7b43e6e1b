// Port: proposes one improvement of one parent.
#ifndef KS_CORE_PROPOSER_H_
#define KS_CORE_PROPOSER_H_

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/archive.h"
#include "core/machine.h"
#include "core/task.h"

namespace ks {

// What became of the uses of one skill in this run so far. Folded by the engine in step order.
struct SkillRecord {
  int tried = 0;
  int measured = 0;     // compiled, correct, timed
  int held = 0;         // significant gain over the parent
  double log_gain = 0;  // sum of log(gain.mid) over held ones
  // Of models: proposals that were paid for and what they took, repetitions and repairs included.
  int paid = 0;
  double cost_usd = 0;
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  bool operator==(const SkillRecord&) const = default;
};

struct ProposalContext {
  const Task* task = nullptr;
  const Machine* machine = nullptr;
  std::string backend;  // of the run: "cpu", "cuda", ...; empty counts as "cpu"
  Selection selection;
  std::map<std::string, SkillRecord> skills;  // by skill name
  // The newest children already tried from this parent, oldest first (at most kMostChildren), so
  // that the same edit is not proposed twice.
  std::vector<MemberPtr> children;
  // The parent, its parent, ... towards the seed, at most kMostLineage.
  std::vector<MemberPtr> lineage;
  // Failed candidates not to be repeated, at most kMostFailures: children of the lineage first,
  // then the latest of the island; newest first.
  std::vector<MemberPtr> failures;
  int64_t step = 0;  // the candidate's number, should something be proposed
  uint64_t seed = 0;
  // True when a source (normalised) was proposed before, as far as this step may know. Thread-safe.
  std::function<bool(const std::string& source)> seen;

  static constexpr size_t kMostChildren = 64;
  static constexpr size_t kMostLineage = 16;
  static constexpr size_t kMostFailures = 24;
};

struct Proposal {
  std::string source;     // the whole new candidate; may be empty when refused
  std::string skill;      // one skill name, or the model's name
  std::string rationale;  // one sentence: what, where, why
  // The member that was edited, when it is not the one selected: one of the context's.
  std::optional<CandidateId> parent;
  // What a model was paid for it; all zero and empty for built-in proposers.
  double cost_usd = 0;
  int64_t prompt_tokens = 0;
  int64_t answer_tokens = 0;
  std::string model;
  std::string exchange;  // hash of the recorded request and answer among the store's sources
  // Set: not a kernel worth evaluating (an edit that did not apply, an answer without code). It is
  // recorded with this outcome (Rejected, with a rule such as "edit_does_not_apply"), counts as a
  // step, is shown to later proposals as a failure, and is never timed.
  std::optional<Outcome> refused;
};

// Thread-safe.
class Proposer {
 public:
  virtual ~Proposer() = default;
  // Empty optional: nothing (new) to propose for this parent. Deterministic in the context for
  // built-in proposers. Returns kCancelled soon after `stop`. ERRORS: the proposer itself failed
  // and the run ends: kResourceExhausted (its budget is spent; the run ends with "budget"), else as
  // the error says (server gone).
  virtual Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                                  std::stop_token stop) = 0;
  // True: Propose waits for a server. It is then called from several threads at once, one call a
  // step in flight, and its context is good for as long as the run.
  virtual bool slow() const { return false; }
};

}  // namespace ks

#endif  // KS_CORE_PROPOSER_H_
