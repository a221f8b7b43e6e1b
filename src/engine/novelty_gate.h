// Asks for near copies with the knowledge that a step may have.
#ifndef KS_ENGINE_NOVELTY_GATE_H_
#define KS_ENGINE_NOVELTY_GATE_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "core/novelty.h"
#include "engine/run_state.h"

namespace ks {

// Single thread. Members are noted when a step that may know them is decided, not when they are
// applied: so the answer does not depend on how far the run is ahead.
class NoveltyGate {
 public:
  using Normalize = std::function<std::string(const std::string&)>;
  // `novelty` may be null: then nothing is a near copy. Both outlive it. `normalize` may be empty.
  NoveltyGate(Novelty* novelty, const RunState& state, Normalize normalize)
      : novelty_(novelty), state_(state), normalize_(std::move(normalize)) {}

  // From here on results up to step `known` count. The first call of a resumed run reads all
  // sources of the record. REQUIRES: `known` is applied. ERRORS: the store's.
  Status NoteUpTo(CandidateId known);
  // The noted candidate that `source`, a child of `parent`, is a near copy of and that led nowhere.
  std::optional<CandidateId> NearCopyOf(const std::string& source, const Member& parent) const;
  // What is to be recorded with the step that was decided.
  std::string TakeRecord() { return novelty_ == nullptr ? std::string() : novelty_->TakeRecord(); }

 private:
  std::string Normalized(const std::string& source) const {
    return normalize_ ? normalize_(source) : source;
  }

  Novelty* const novelty_;
  const RunState& state_;
  const Normalize normalize_;
  CandidateId noted_ = 0;  // number of candidates noted
};

}  // namespace ks

#endif  // KS_ENGINE_NOVELTY_GATE_H_
