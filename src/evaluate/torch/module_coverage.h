// What ran on the device during one call, and how much of it was the candidate's own code. Pure.
#ifndef KS_EVALUATE_TORCH_MODULE_COVERAGE_H_
#define KS_EVALUATE_TORCH_MODULE_COVERAGE_H_

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/module.h"

namespace ks {

// Whether the kernel `name` (demangled) is one that `source` defines: "def name(" of a Triton
// kernel, or a __global__ function. Names that libraries give their kernels never are.
bool IsOwnKernel(std::string_view name, const std::string& source);

// From the trace of a candidate's process, [{name, count, ns}, ...]: the longest first; what is no
// such list is left out.
std::vector<ModuleActivity> ActivitiesOf(const nlohmann::json& trace, const std::string& source);

// Drops all but the first kMostActivities: what is shown.
inline constexpr size_t kMostActivities = 16;
void KeepLongest(std::vector<ModuleActivity>& activities);

// Of all activities, not of those that are shown: share of the time in own kernels, 0..1; -1 when
// nothing ran.
double CoverageOf(std::span<const ModuleActivity> activities);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_COVERAGE_H_
