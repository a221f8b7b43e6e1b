#include "propose/device/device_skill.h"
#include "propose/device/skills.h"

namespace ks {

std::vector<std::unique_ptr<DeviceSkill>> AllDeviceSkills() {
  std::vector<std::unique_ptr<DeviceSkill>> skills;
  skills.push_back(NewShareRowSkill());
  skills.push_back(NewSpreadRowSkill());
  skills.push_back(NewSplitLoopsSkill());
  skills.push_back(NewBlockScanSkill());
  skills.push_back(NewPrivateBinsSkill());
  skills.push_back(NewTileContractionSkill());
  skills.push_back(NewTensorCoresSkill());
  skills.push_back(NewVectorAccessSkill());
  skills.push_back(NewTileTransposeSkill());
  skills.push_back(NewStencilStripsSkill());
  skills.push_back(NewPersistentGridSkill());
  skills.push_back(NewFastMathSkill());
  skills.push_back(NewLaunchBoundsSkill());
  skills.push_back(NewUnrollLoopsSkill());
  skills.push_back(NewCacheHintsSkill());
  skills.push_back(NewTritonSplitRowsSkill());
  skills.push_back(NewTritonSplitKSkill());
  skills.push_back(NewTritonBinsSkill());
  skills.push_back(NewTritonStripsSkill());
  skills.push_back(NewTritonStackStepsSkill());
  skills.push_back(NewTritonBatchProgramsSkill());
  skills.push_back(NewTritonTransposeOperandSkill());
  skills.push_back(NewDotTilesSkill());
  skills.push_back(NewDotPrecisionSkill());
  skills.push_back(NewGroupProgramsSkill());
  skills.push_back(NewSinglePassRowSkill());
  skills.push_back(NewTritonFullTilesSkill());
  skills.push_back(NewTritonPersistentSkill());
  skills.push_back(NewPipelinedLoopSkill());
  skills.push_back(NewTritonLaunchSkill());
  skills.push_back(NewTritonCacheSkill());
  skills.push_back(NewJoinedMomentsSkill());
  skills.push_back(NewSpecializeAxesSkill());
  skills.push_back(NewTuneConstantSkill());
  return skills;
}

}  // namespace ks
