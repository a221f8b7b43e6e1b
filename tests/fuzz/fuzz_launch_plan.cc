// Whatever text a candidate is: its launch plan is read or refused with a place inside the text;
// a plan that was read binds to numbers within the limits, or says why not; edits leave a plan.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "core/launch_plan.h"
#include "core/launch_plan_edit.h"
#include "tests/core/launch_samples.h"

namespace {

void CheckBound(const ks::LaunchPlan& plan, const std::string& source, int64_t rows, int64_t cols) {
  const ks::Workload workload = {"w", {{"rows", rows}, {"cols", cols}}, ks::WorkloadRole::kTime};
  const ks::LaunchLimits limits;
  const auto answer = ks::BindLaunchPlan(plan, source, ks::RowSumTask(), workload, limits);
  const auto* bound = std::get_if<ks::BoundPlan>(&answer);
  if (bound == nullptr) return;
  KS_CHECK(bound->scratch_bytes.size() == plan.scratch.size());
  KS_CHECK(bound->steps.size() <= plan.steps.size());
  for (const ks::BoundStep& step : bound->steps) {
    const auto* launch = std::get_if<ks::BoundLaunch>(&step);
    if (launch == nullptr) continue;
    KS_CHECK(launch->kernel < bound->tuning.size());
    for (int i = 0; i < 3; ++i) {
      KS_CHECK(launch->grid[i] >= 1 && launch->grid[i] <= limits.max_grid[i]);
      KS_CHECK(launch->block[i] >= 1 && launch->block[i] <= limits.max_block[i]);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  const auto answer = ks::ParseLaunchPlan(source);
  if (const auto* wrong = std::get_if<ks::Diagnostic>(&answer)) {
    KS_CHECK(!wrong->message.empty());
    KS_CHECK(wrong->line >= 0 && wrong->column >= 0);
    return 0;
  }
  const auto& plan = std::get<ks::LaunchPlan>(answer);
  CheckBound(plan, source, 7, 1000);
  CheckBound(plan, source, 1, int64_t{1} << 40);
  for (const ks::PlanConstant& constant : plan.constants) {
    const auto edited = ks::WithConstant(source, constant.name, "64");
    KS_CHECK(edited.has_value());
  }
  const auto grown = ks::WithStep(source, 0, "launch k grid=(1)");
  if (grown) KS_CHECK(std::holds_alternative<ks::LaunchPlan>(ks::ParseLaunchPlan(*grown)));
  return 0;
}
