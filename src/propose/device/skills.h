// Makers of the skills for device languages. device_skills.cc lists them.
#ifndef KS_PROPOSE_DEVICE_SKILLS_H_
#define KS_PROPOSE_DEVICE_SKILLS_H_

#include <memory>

#include "propose/device/device_skill.h"

namespace ks {

// CUDA C++ and OpenCL C: another algorithm for a kernel.
std::unique_ptr<DeviceSkill> NewShareRowSkill();
std::unique_ptr<DeviceSkill> NewSpreadRowSkill();
std::unique_ptr<DeviceSkill> NewSplitLoopsSkill();
std::unique_ptr<DeviceSkill> NewBlockScanSkill();
std::unique_ptr<DeviceSkill> NewPrivateBinsSkill();
std::unique_ptr<DeviceSkill> NewStencilStripsSkill();
std::unique_ptr<DeviceSkill> NewPersistentGridSkill();
std::unique_ptr<DeviceSkill> NewTileContractionSkill();
std::unique_ptr<DeviceSkill> NewTensorCoresSkill();
std::unique_ptr<DeviceSkill> NewVectorAccessSkill();
std::unique_ptr<DeviceSkill> NewTileTransposeSkill();

// CUDA C++ and OpenCL C: small things.
std::unique_ptr<DeviceSkill> NewFastMathSkill();
std::unique_ptr<DeviceSkill> NewLaunchBoundsSkill();
std::unique_ptr<DeviceSkill> NewUnrollLoopsSkill();
std::unique_ptr<DeviceSkill> NewCacheHintsSkill();

// Triton.
std::unique_ptr<DeviceSkill> NewDotTilesSkill();
std::unique_ptr<DeviceSkill> NewDotPrecisionSkill();
std::unique_ptr<DeviceSkill> NewGroupProgramsSkill();
std::unique_ptr<DeviceSkill> NewSinglePassRowSkill();
std::unique_ptr<DeviceSkill> NewPipelinedLoopSkill();
std::unique_ptr<DeviceSkill> NewTritonLaunchSkill();
std::unique_ptr<DeviceSkill> NewTritonCacheSkill();
std::unique_ptr<DeviceSkill> NewTritonSplitRowsSkill();
std::unique_ptr<DeviceSkill> NewTritonSplitKSkill();
std::unique_ptr<DeviceSkill> NewTritonBinsSkill();
std::unique_ptr<DeviceSkill> NewTritonFullTilesSkill();
std::unique_ptr<DeviceSkill> NewTritonPersistentSkill();
std::unique_ptr<DeviceSkill> NewTritonStripsSkill();
std::unique_ptr<DeviceSkill> NewTritonStackStepsSkill();
std::unique_ptr<DeviceSkill> NewTritonBatchProgramsSkill();
std::unique_ptr<DeviceSkill> NewTritonTransposeOperandSkill();

// All languages.
std::unique_ptr<DeviceSkill> NewSpecializeAxesSkill();
std::unique_ptr<DeviceSkill> NewJoinedMomentsSkill();
std::unique_ptr<DeviceSkill> NewTuneConstantSkill();

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_SKILLS_H_
