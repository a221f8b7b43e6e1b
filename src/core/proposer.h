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
};

struct ProposalContext {
  const Task* task = nullptr;
  const Machine* machine = nullptr;
  std::string backend;  // of the run: "cpu", "cuda", ...; empty counts as "cpu"
  Selection selection;
  std::map<std::string, SkillRecord> skills;  // by skill name
  // Children already tried from this parent, so that the same edit is not proposed twice.
  std::vector<MemberPtr> children;
  uint64_t seed = 0;
  // True when a source (normalised) was judged before in this run.
  std::function<bool(const std::string& source)> seen;
};

struct Proposal {
  std::string source;     // the whole new candidate
  std::string skill;      // one skill name, or the model's name
  std::string rationale;  // one sentence: what, where, why
};

// Thread-safe.
class Proposer {
 public:
  virtual ~Proposer() = default;
  // Empty optional: nothing (new) to propose for this parent. Deterministic in the context for
  // built-in proposers. ERRORS: the proposer itself failed (server gone, budget spent).
  virtual Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                                  std::stop_token stop) = 0;
};

}  // namespace ks

#endif  // KS_CORE_PROPOSER_H_
