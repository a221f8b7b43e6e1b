// A skill: one named optimisation. It finds where it applies in a parent and writes the children.
#ifndef KS_PROPOSE_SKILL_H_
#define KS_PROPOSE_SKILL_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "propose/kernel_context.h"

namespace ks {

// What an edit is for; decides when in a run it is taken.
enum class EditKind {
  kStrategy,   // another algorithm for the whole nest (packing, blocked micro-kernel): first
  kStructure,  // a loop transformation
  kFlags,      // compiler and flags
  kTuning,     // another value of a parameter
  kMicro,      // small things: prefetch, hints
};

// One child of a parent.
struct Edit {
  std::string source;     // the whole new candidate
  std::string rationale;  // one sentence: what, where, why
  EditKind kind = EditKind::kStructure;
  double expected_gain = 1.1;  // a guess of old time / new time, before anything was learnt; > 0
};

// Immutable and thread-safe.
class Skill {
 public:
  virtual ~Skill() = default;
  // Stable, snake_case; the key of its record.
  virtual std::string name() const = 0;
  // Guidance: where it applies, what it does, what it costs. Two or three sentences.
  virtual std::string_view summary() const = 0;
  // Every edit of this skill on this parent, best guess first; empty where it does not apply or
  // cannot be proven legal. Deterministic.
  virtual std::vector<Edit> Edits(const KernelContext& kernel) const = 0;
};

}  // namespace ks

#endif  // KS_PROPOSE_SKILL_H_
