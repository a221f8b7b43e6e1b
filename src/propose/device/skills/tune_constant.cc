// Skill tune_constant: another value for a constant of the launch plan.
#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "propose/device/skills.h"

namespace ks {
namespace {

constexpr int64_t kMost = 65536;

// Powers of two around `value`, nearest first, larger before smaller; a value between two powers
// tries both. Small ones also step by one.
std::vector<int64_t> Candidates(int64_t value) {
  std::vector<int64_t> out;
  int64_t up = 1, down = 1;
  while (up <= value) up *= 2;
  while (down * 2 < value) down *= 2;
  const auto add = [&](int64_t candidate) {
    if (candidate >= 1 && candidate <= kMost && candidate != value &&
        std::find(out.begin(), out.end(), candidate) == out.end()) {
      out.push_back(candidate);
    }
  };
  add(up);
  add(down);
  if (value <= 8) {
    add(value + 1);
    add(value - 1);
  }
  add(up * 2);
  add(down / 2);
  return out;
}

class TuneConstantSkill final : public DeviceSkill {
 public:
  std::string name() const override { return "tune_constant"; }
  std::string_view summary() const override {
    return "Every `const` of the launch plan with a number for a value is a parameter: block and "
           "tile sizes, work per thread, stages. Try the neighbouring powers of two, one parameter "
           "at a time, then two tile sizes in opposite directions.";
  }

  std::vector<Edit> Edits(const DeviceContext& context) const override {
    std::vector<std::pair<std::string, int64_t>> numbers;
    for (const PlanConstant& constant : context.plan().constants) {
      const auto value = ParseInt(constant.value.text);
      if (value && *value >= 1) numbers.emplace_back(constant.name, *value);
    }
    std::vector<Edit> near, far;
    for (const auto& [name, value] : numbers) {
      int rank = 0;
      for (int64_t candidate : Candidates(value)) {
        Try(context, {{name, candidate}},
            "Set " + name + " from " + std::to_string(value) + " to " + std::to_string(candidate) +
                ".",
            rank < 2 ? 1.08 : 1.03, rank < 2 ? near : far);
        ++rank;
      }
    }
    for (const auto& [up, up_value] : numbers) {
      for (const auto& [down, down_value] : numbers) {
        if (up == down || down_value % 2 != 0 || down_value < 2) continue;
        Try(context, {{up, up_value * 2}, {down, down_value / 2}},
            "Double " + up + " and halve " + down + ".", 1.03, far);
      }
    }
    near.insert(near.end(), far.begin(), far.end());
    return near;
  }

 private:
  // False: `source` cannot be launched on the device for some workload, as far as numbers tell.
  static bool Fits(const DeviceContext& context, const std::string& source) {
    const auto plan = ParseLaunchPlan(source);
    if (!std::holds_alternative<LaunchPlan>(plan)) return false;
    const DeviceInfo& device = context.device();
    LaunchLimits limits;
    limits.max_threads_per_block = device.max_threads_per_block;
    limits.max_shared_bytes = device.shared_bytes_per_block;
    limits.sm_count = device.sm_count;
    for (const Workload* workload : context.task().WorkloadsOf(WorkloadRole::kTime)) {
      if (!std::holds_alternative<BoundPlan>(BindLaunchPlan(std::get<LaunchPlan>(plan), source,
                                                            context.task(), *workload, limits))) {
        return false;
      }
    }
    return true;
  }

  static void Try(const DeviceContext& context,
                  const std::vector<std::pair<std::string, int64_t>>& values, std::string why,
                  double gain, std::vector<Edit>& edits) {
    std::string source = context.source();
    for (const auto& [name, value] : values) {
      auto next = WithConstant(source, name, std::to_string(value));
      if (!next) return;
      source = *std::move(next);
    }
    if (!Fits(context, source)) return;
    edits.push_back({std::move(source), std::move(why), EditKind::kTuning, gain});
  }
};

}  // namespace

std::unique_ptr<DeviceSkill> NewTuneConstantSkill() {
  return std::make_unique<TuneConstantSkill>();
}

}  // namespace ks
