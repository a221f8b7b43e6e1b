#include "propose/device/device_skill.h"
#include "propose/device/skills.h"

namespace ks {

std::vector<std::unique_ptr<DeviceSkill>> AllDeviceSkills() {
  std::vector<std::unique_ptr<DeviceSkill>> skills;
  skills.push_back(NewShareRowSkill());
  skills.push_back(NewTileContractionSkill());
  skills.push_back(NewTensorCoresSkill());
  skills.push_back(NewTuneConstantSkill());
  return skills;
}

}  // namespace ks
