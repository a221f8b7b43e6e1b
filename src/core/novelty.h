// Port: tells before an evaluation that a program is a near copy of one that led nowhere.
#ifndef KS_CORE_NOVELTY_H_
#define KS_CORE_NOVELTY_H_

#include <optional>
#include <string_view>

#include "core/archive.h"

namespace ks {

// Single thread. Deterministic in the sequence of Note calls.
class Novelty {
 public:
  virtual ~Novelty() = default;
  // Takes note of a judged candidate; `source` is its text. Call in the order of steps.
  virtual void Note(const Member& member, std::string_view source) = 0;
  // The noted candidate that failed, or is slower than `parent`, and that `source` (a child of
  // `parent`) is a near copy of; empty: none.
  virtual std::optional<CandidateId> NearCopyOf(std::string_view source,
                                                const Member& parent) const = 0;
  // What was learnt from outside (a server) since the last call, to be recorded with the step that
  // is being decided, so that it can be decided again without; empty: nothing.
  virtual std::string TakeRecord() { return {}; }
};

}  // namespace ks

#endif  // KS_CORE_NOVELTY_H_
