#include "propose/device/device_repair.h"

#include <algorithm>

#include "base/text.h"
#include "core/launch_plan_edit.h"
#include "core/machine.h"
#include "core/task.h"
#include "propose/device/device_context.h"

namespace ks {
namespace {

bool RelaxesArithmetic(const std::string& flag) {
  static constexpr std::string_view kFlags[] = {"--use_fast_math",
                                                "-use_fast_math",
                                                "-cl-fast-relaxed-math",
                                                "-cl-unsafe-math-optimizations",
                                                "--ftz=true",
                                                "--prec-div=false",
                                                "--prec-sqrt=false",
                                                "-cl-finite-math-only"};
  return std::find(std::begin(kFlags), std::end(kFlags), flag) != std::end(kFlags);
}

}  // namespace

std::vector<Edit> DeviceRepairEdits(const std::string& source, std::string_view backend,
                                    const Outcome& outcome) {
  std::vector<Edit> edits;
  static const Task kTask;
  static const Machine kMachine;
  const auto context = DeviceContext::Make(source, kTask, kMachine, backend, nullptr);
  if (context == nullptr) return edits;
  if (std::holds_alternative<WrongResult>(outcome)) {
    std::vector<std::string> flags = context->flags();
    const size_t before = flags.size();
    std::erase_if(flags, RelaxesArithmetic);
    if (flags.size() != before) {
      edits.push_back({context->WithFlags(flags), "Wrong with relaxed arithmetic: take it back.",
                       EditKind::kFlags, 1.5});
    }
  }
  if (std::holds_alternative<LaunchFailed>(outcome) ||
      std::holds_alternative<CompileFailed>(outcome)) {
    for (const PlanConstant& constant : context->plan().constants) {
      const auto value = ParseInt(constant.value.text);
      if (!value || *value < 2) continue;
      auto next = WithConstant(source, constant.name, std::to_string(*value / 2));
      if (!next) continue;
      edits.push_back({*std::move(next), "Beyond the device: halve " + constant.name + ".",
                       EditKind::kTuning, 1.0 + 1e-3 * static_cast<double>(*value)});
    }
  }
  return edits;
}

}  // namespace ks
