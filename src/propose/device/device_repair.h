// Edits that may turn a failed device candidate into one that can be measured.
#ifndef KS_PROPOSE_DEVICE_DEVICE_REPAIR_H_
#define KS_PROPOSE_DEVICE_DEVICE_REPAIR_H_

#include <string>
#include <string_view>
#include <vector>

#include "core/outcome.h"
#include "propose/skill.h"

namespace ks {

// Best guess first; empty when nothing known fits the failure. Flags that relax arithmetic are
// taken back after a wrong result; sizes are halved after a launch beyond limits.
std::vector<Edit> DeviceRepairEdits(const std::string& source, std::string_view backend,
                                    const Outcome& outcome);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_DEVICE_REPAIR_H_
