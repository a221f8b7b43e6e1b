// Makers of the skills for device languages; one source file each. device_skills.cc lists them.
#ifndef KS_PROPOSE_DEVICE_SKILLS_H_
#define KS_PROPOSE_DEVICE_SKILLS_H_

#include <memory>

#include "propose/device/device_skill.h"

namespace ks {

// CUDA C++ and OpenCL C: another algorithm for a kernel.
std::unique_ptr<DeviceSkill> NewShareRowSkill();
std::unique_ptr<DeviceSkill> NewTileContractionSkill();
std::unique_ptr<DeviceSkill> NewTensorCoresSkill();

// All languages: parameters.
std::unique_ptr<DeviceSkill> NewTuneConstantSkill();

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_SKILLS_H_
