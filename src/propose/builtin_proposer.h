// The default proposer: applies skills to the parsed parent; needs no key and no network.
#ifndef KS_PROPOSE_BUILTIN_PROPOSER_H_
#define KS_PROPOSE_BUILTIN_PROPOSER_H_

#include <memory>
#include <vector>

#include "core/proposer.h"
#include "propose/device/device_skill.h"
#include "propose/skill.h"
#include "propose/torch/module_skill.h"

namespace ks {

// Thread-safe: holds only immutable skills. Deterministic in the context.
//
// Every edit of every skill is scored: its expected gain, capped by what the roofline leaves; the
// skill's record in this run (a Thompson draw); fewer points for each child that the skill already
// made from this parent without gain. The best edit whose result was not seen is proposed; now and
// then a random one of the best.
//
// kRandom is the control that shows what scoring is worth: a skill that applies, each as likely as
// the other, and one of its edits, whatever became of earlier ones.
class BuiltinProposer final : public Proposer {
 public:
  enum class Choice { kScored, kRandom };
  // `device_skills` serve the parents of backends with a device language ("cuda", "opencl",
  // "triton"), `module_skills` those of "torch", `skills` all others.
  explicit BuiltinProposer(std::vector<std::unique_ptr<Skill>> skills,
                           std::vector<std::unique_ptr<DeviceSkill>> device_skills = {},
                           Choice choice = Choice::kScored,
                           std::vector<std::unique_ptr<ModuleSkill>> module_skills = {});
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token stop) override;

 private:
  const std::vector<std::unique_ptr<Skill>> skills_;
  const std::vector<std::unique_ptr<DeviceSkill>> device_skills_;
  const std::vector<std::unique_ptr<ModuleSkill>> module_skills_;
  const Choice choice_;
};

}  // namespace ks

#endif  // KS_PROPOSE_BUILTIN_PROPOSER_H_
