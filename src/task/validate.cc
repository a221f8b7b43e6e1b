#include "task/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include "base/text.h"
#include "core/fill.h"
#include "core/fill_kinds.h"
#include "task/loader.h"

namespace ks {
namespace {

constexpr size_t kMinCheckWorkloads = 3;
constexpr std::array<std::string_view, 5> kPrecisions = {"f32", "f64", "tf32", "bf16", "f16"};
constexpr std::array<std::string_view, 77> kReserved = {
    "alignas",  "alignof",  "and",      "asm",     "auto",    "bool",      "break",     "case",
    "catch",    "char",     "class",    "concept", "const",   "consteval", "constexpr", "constinit",
    "continue", "decltype", "default",  "delete",  "do",      "double",    "else",      "enum",
    "explicit", "export",   "extern",   "false",   "float",   "for",       "friend",    "goto",
    "if",       "inline",   "int",      "long",    "mutable", "namespace", "new",       "noexcept",
    "not",      "nullptr",  "operator", "or",      "private", "protected", "public",    "register",
    "requires", "return",   "short",    "signed",  "sizeof",  "static",    "struct",    "switch",
    "template", "this",     "throw",    "true",    "try",     "typedef",   "typeid",    "typename",
    "union",    "unsigned", "using",    "virtual", "void",    "volatile",  "while",     "xor",
    "main",     "std",      "min",      "max",     "ceil_div"};

class Validator {
 public:
  Validator(const Task& task, const TaskPositions& positions, const std::string& file)
      : task_(task), positions_(positions), file_(file) {}

  Status Run() {
    KS_RETURN_IF_ERROR(CheckNames());
    KS_RETURN_IF_ERROR(CheckShape());
    KS_RETURN_IF_ERROR(CheckRoles());
    for (size_t i = 0; i < task_.workloads.size(); ++i) {
      KS_RETURN_IF_ERROR(CheckWorkload(task_.workloads[i], positions_.workloads[i]));
    }
    return CheckFillsTogether();
  }

 private:
  Error At(TomlPosition position, std::string_view what) const {
    return {ErrorCode::kInvalidArgument,
            fmt::format("{}: {}", FormatPosition(file_, position), what)};
  }

  Status CheckNames() {
    if (!IsUsableName(task_.name)) return BadName(positions_.head, "task name", task_.name);
    KS_RETURN_IF_ERROR(TakeName(positions_.head, "entry", task_.entry));
    for (const std::string& axis : task_.axes) {
      KS_RETURN_IF_ERROR(TakeName(positions_.head, "axis", axis));
    }
    for (size_t i = 0; i < task_.inputs.size(); ++i) {
      KS_RETURN_IF_ERROR(TakeName(positions_.inputs[i], "input", task_.inputs[i].name));
    }
    for (size_t i = 0; i < task_.outputs.size(); ++i) {
      KS_RETURN_IF_ERROR(TakeName(positions_.outputs[i], "output", task_.outputs[i].name));
    }
    return {};
  }

  Status BadName(TomlPosition position, const char* what, const std::string& name) const {
    return At(position, fmt::format("{} '{}' must be an identifier (letters, digits and _; no C++ "
                                    "keyword, no leading _)",
                                    what, name));
  }

  // Names share one scope: they are the entry and its parameters.
  Status TakeName(TomlPosition position, const char* what, const std::string& name) {
    if (!IsUsableName(name)) return BadName(position, what, name);
    if (!taken_.insert(name).second) {
      return At(position, fmt::format("{} '{}' has a name that is already taken", what, name));
    }
    return {};
  }

  Status CheckShape() const {
    if (task_.inputs.empty()) return At(positions_.head, "at least one [[input]] is needed");
    if (task_.outputs.empty()) return At(positions_.head, "at least one [[output]] is needed");
    if (std::find(kPrecisions.begin(), kPrecisions.end(), task_.precision) == kPrecisions.end()) {
      return At(positions_.head,
                fmt::format("unknown precision '{}'; there are f32, f64, tf32, bf16 "
                            "and f16",
                            task_.precision));
    }
    return {};
  }

  // Classes of device that the task has seeds for; OpenCL runs on either.
  std::set<std::string> DeviceClasses() const {
    std::set<std::string> classes;
    for (const SeedKernel& seed : task_.seeds) {
      if (seed.backend != "opencl") classes.insert(seed.backend == "cpu" ? "cpu" : "gpu");
    }
    if (classes.empty()) classes.insert("gpu");
    return classes;
  }

  // Each class of device needs workloads to time and to check.
  Status CheckRolesOn(const std::string& device_class) const {
    const Task task = ForDeviceClass(task_, device_class);
    if (task.WorkloadsOf(WorkloadRole::kTime).empty()) {
      return At(positions_.head,
                fmt::format("at least one [[workload]] with role = \"time\" is needed for the {}",
                            device_class));
    }
    const size_t checks = task.WorkloadsOf(WorkloadRole::kCheck).size();
    if (checks >= kMinCheckWorkloads) return {};
    return At(positions_.head, fmt::format("at least {} workloads with role = \"check\" are needed "
                                           "for the {}, there are {}",
                                           kMinCheckWorkloads, device_class, checks));
  }

  Status CheckRoles() const {
    for (const std::string& device_class : DeviceClasses()) {
      KS_RETURN_IF_ERROR(CheckRolesOn(device_class));
    }
    std::set<std::string> names;
    for (size_t i = 0; i < task_.workloads.size(); ++i) {
      if (!names.insert(task_.workloads[i].name).second) {
        return At(positions_.workloads[i],
                  fmt::format("workload '{}' is there twice", task_.workloads[i].name));
      }
    }
    return {};
  }

  Status CheckWorkload(const Workload& workload, TomlPosition position) const {
    double bytes = 0;
    for (const auto* buffers : {&task_.inputs, &task_.outputs}) {
      const auto& places = buffers == &task_.inputs ? positions_.inputs : positions_.outputs;
      for (size_t i = 0; i < buffers->size(); ++i) {
        const BufferSpec& buffer = (*buffers)[i];
        const auto count = ElementCount(buffer, workload.axes);
        if (!count) {
          return At(places[i],
                    fmt::format("{} (workload {})", count.error().message, workload.name));
        }
        if (*count == 0) {
          return At(places[i],
                    fmt::format("'{}' is empty in workload {}", buffer.name, workload.name));
        }
        bytes += static_cast<double>(*count) * static_cast<double>(SizeOf(buffer.dtype));
        if (buffers != &task_.inputs) continue;
        const auto fill = ResolveFill(buffer, workload.axes);
        if (!fill) {
          return At(places[i],
                    fmt::format("{} (workload {})", fill.error().message, workload.name));
        }
      }
    }
    const auto limit =
        static_cast<double>(workload.on == "gpu" ? kMaxGpuWorkloadBytes : kMaxWorkloadBytes);
    if (bytes > limit) {
      return At(position, fmt::format("workload {} needs {}; the limit is {}", workload.name,
                                      FormatBytes(bytes), FormatBytes(limit)));
    }
    const auto cost = CostOf(task_, workload);
    if (!cost) return At(positions_.cost, cost.error().message);
    if (cost->flops < 0 || cost->bytes < 0) return At(positions_.cost, "a cost is negative");
    return {};
  }

  // Draws the first check workload: finds inputs that do not fit each other.
  Status CheckFillsTogether() const {
    const auto inputs = FillInputs(task_, *task_.WorkloadsOf(WorkloadRole::kCheck)[0], 1, 0);
    if (!inputs) return At(positions_.inputs[0], inputs.error().message);
    return {};
  }

  const Task& task_;
  const TaskPositions& positions_;
  const std::string& file_;
  std::set<std::string> taken_;
};

}  // namespace

Status ValidateTask(const Task& task, const TaskPositions& positions, const std::string& file) {
  return Validator(task, positions, file).Run();
}

bool IsUsableName(std::string_view name) {
  if (name.empty() || name.size() > 64) return false;
  if (std::isalpha(static_cast<unsigned char>(name.front())) == 0) return false;
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  return std::all_of(name.begin(), name.end(), is_part) &&
         name.find("__") == std::string_view::npos &&
         std::find(kReserved.begin(), kReserved.end(), name) == kReserved.end();
}

}  // namespace ks
