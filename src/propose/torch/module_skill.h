// A skill for candidates of PyTorch modules: finds where it applies in a parent, writes children.
#ifndef KS_PROPOSE_TORCH_MODULE_SKILL_H_
#define KS_PROPOSE_TORCH_MODULE_SKILL_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "propose/skill.h"
#include "propose/torch/module_context.h"

namespace ks {

// The backend whose candidates these are.
inline constexpr std::string_view kModuleBackend = "torch";

// Immutable and thread-safe.
class ModuleSkill {
 public:
  virtual ~ModuleSkill() = default;
  // Stable, snake_case; the key of its record.
  virtual std::string name() const = 0;
  // Guidance: where it applies, what it does, what it costs. Two or three sentences.
  virtual std::string_view summary() const = 0;
  // Every edit of this skill on this parent, best guess first; empty where it does not apply or
  // cannot be proven legal. Deterministic.
  virtual std::vector<Edit> Edits(const ModuleContext& module) const = 0;
};

// In the order of the table in module_skills.cc.
std::vector<std::unique_ptr<ModuleSkill>> AllModuleSkills();

// Library calls replaced or moved.
std::unique_ptr<ModuleSkill> NewOwnMatmulSkill();
std::unique_ptr<ModuleSkill> NewMatmulEpilogueSkill();
std::unique_ptr<ModuleSkill> NewMatmulTilesSkill();
std::unique_ptr<ModuleSkill> NewOwnConvSkill();
std::unique_ptr<ModuleSkill> NewAttentionSkill();
std::unique_ptr<ModuleSkill> NewModulePrecisionSkill();
std::unique_ptr<ModuleSkill> NewDepthwiseConvSkill();
std::unique_ptr<ModuleSkill> NewWeightsOnceSkill();
// Kernels and their launches.
std::unique_ptr<ModuleSkill> NewModuleBlocksSkill();
std::unique_ptr<ModuleSkill> NewModuleWarpsSkill();
std::unique_ptr<ModuleSkill> NewModuleCacheSkill();

}  // namespace ks

#endif  // KS_PROPOSE_TORCH_MODULE_SKILL_H_
