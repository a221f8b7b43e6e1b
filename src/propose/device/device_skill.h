// A skill for kernels in a device language: finds where it applies in a parent, writes children.
#ifndef KS_PROPOSE_DEVICE_DEVICE_SKILL_H_
#define KS_PROPOSE_DEVICE_DEVICE_SKILL_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "propose/device/device_context.h"
#include "propose/skill.h"

namespace ks {

// Immutable and thread-safe.
class DeviceSkill {
 public:
  virtual ~DeviceSkill() = default;
  // Stable, snake_case; the key of its record.
  virtual std::string name() const = 0;
  // Guidance: where it applies, what it does, what it costs. Two or three sentences.
  virtual std::string_view summary() const = 0;
  // Every edit of this skill on this parent, best guess first; empty where it does not apply or
  // cannot be proven legal. Deterministic.
  virtual std::vector<Edit> Edits(const DeviceContext& kernel) const = 0;
};

// In the order of the table in device_skills.cc.
std::vector<std::unique_ptr<DeviceSkill>> AllDeviceSkills();

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_DEVICE_SKILL_H_
