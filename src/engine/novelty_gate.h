// Asks for near copies with the knowledge that a step may have.
#ifndef KS_ENGINE_NOVELTY_GATE_H_
#define KS_ENGINE_NOVELTY_GATE_H_

#include <optional>
#include <string>

#include "core/novelty.h"
#include "engine/run_state.h"

namespace ks {

// Single thread. Members are noted when a step that may know them is decided, not when they are
// applied: so the answer does not depend on how far the run is ahead.
class NoveltyGate {
 public:
  // `novelty` may be null: then nothing is a near copy. Both outlive it.
  NoveltyGate(Novelty* novelty, const RunState& state) : novelty_(novelty), state_(state) {}

  // The candidate up to `known` that `source`, a child of `parent`, is a near copy of and that led
  // nowhere. REQUIRES: `known` does not fall from call to call and is applied. ERRORS: the store's.
  Result<std::optional<CandidateId>> NearCopyOf(const std::string& source, const Member& parent,
                                                CandidateId known);

 private:
  Novelty* const novelty_;
  const RunState& state_;
  CandidateId noted_ = 0;  // number of candidates noted
};

}  // namespace ks

#endif  // KS_ENGINE_NOVELTY_GATE_H_
