#include "core/task.h"

#include <fmt/format.h>

#include <array>

#include "core/elements.h"

namespace ks {
namespace {

struct DTypeNames {
  DType dtype;
  const char* name;
  const char* cpp_name;
};
constexpr std::array<DTypeNames, 7> kDTypes = {{{DType::kF32, "f32", "float"},
                                                {DType::kF64, "f64", "double"},
                                                {DType::kF16, "f16", "uint16_t"},
                                                {DType::kBF16, "bf16", "uint16_t"},
                                                {DType::kI32, "i32", "int32_t"},
                                                {DType::kI64, "i64", "int64_t"},
                                                {DType::kU8, "u8", "uint8_t"}}};

const DTypeNames& NamesOf(DType dtype) {
  for (const DTypeNames& names : kDTypes) {
    if (names.dtype == dtype) return names;
  }
  CheckFailed(__FILE__, __LINE__, "unknown dtype");
}

Result<double> BufferBytes(const BufferSpec& buffer, const AxisValues& axes) {
  KS_ASSIGN_OR_RETURN(const int64_t count, ElementCount(buffer, axes));
  return static_cast<double>(count) * static_cast<double>(SizeOf(buffer.dtype));
}

}  // namespace

const char* DTypeName(DType dtype) { return NamesOf(dtype).name; }
const char* DTypeCppName(DType dtype) { return NamesOf(dtype).cpp_name; }

std::optional<DType> ParseDType(std::string_view name) {
  for (const DTypeNames& names : kDTypes) {
    if (name == names.name) return names.dtype;
  }
  return std::nullopt;
}

const char* WorkloadRoleName(WorkloadRole role) {
  switch (role) {
    case WorkloadRole::kTime:
      return "time";
    case WorkloadRole::kCheck:
      return "check";
    case WorkloadRole::kHeldOut:
      return "held_out";
  }
  CheckFailed(__FILE__, __LINE__, "unknown workload role");
}

const SeedKernel* Task::FindSeed(const std::string& backend) const {
  for (const SeedKernel& seed : seeds) {
    if (seed.backend == backend) return &seed;
  }
  return nullptr;
}

std::vector<const Workload*> Task::WorkloadsOf(WorkloadRole role) const {
  std::vector<const Workload*> found;
  for (const Workload& workload : workloads) {
    if (workload.role == role) found.push_back(&workload);
  }
  return found;
}

Task ForDeviceClass(const Task& task, const std::string& device_class) {
  Task chosen = task;
  std::erase_if(chosen.workloads, [&](const Workload& workload) {
    return !workload.on.empty() && workload.on != device_class;
  });
  return chosen;
}

Result<int64_t> ElementCount(const BufferSpec& buffer, const AxisValues& axes) {
  constexpr int64_t kLimit = int64_t{1} << 40;
  int64_t count = 1;
  for (const std::string& extent_text : buffer.shape) {
    auto extent = EvaluateExtent(extent_text, axes);
    if (!extent) return extent.error().Under(fmt::format("shape of '{}'", buffer.name));
    if (*extent != 0 && count > kLimit / *extent) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("'{}' has more than 2^40 elements", buffer.name)};
    }
    count *= *extent;
  }
  return count;
}

Result<Cost> CostOf(const Task& task, const Workload& workload) {
  Cost cost;
  if (!task.flops.empty()) {
    auto flops = EvaluateExpr(task.flops, workload.axes);
    if (!flops) return flops.error().Under("flops");
    cost.flops = *flops;
  }
  if (!task.bytes.empty()) {
    auto bytes = EvaluateExpr(task.bytes, workload.axes);
    if (!bytes) return bytes.error().Under("bytes");
    cost.bytes = *bytes;
    return cost;
  }
  for (const auto* buffers : {&task.inputs, &task.outputs}) {
    for (const BufferSpec& buffer : *buffers) {
      KS_ASSIGN_OR_RETURN(const double bytes, BufferBytes(buffer, workload.axes));
      cost.bytes += bytes;
    }
  }
  return cost;
}

std::string EntryDeclaration(const Task& task, bool widened) {
  const auto type = [widened](DType dtype) {
    return DTypeCppName(widened ? OracleType(dtype) : dtype);
  };
  std::string arguments;
  const auto add = [&arguments](const std::string& argument) {
    arguments += (arguments.empty() ? "" : ", ") + argument;
  };
  for (const BufferSpec& input : task.inputs) {
    add(input.scalar ? fmt::format("{} {}", type(input.dtype), input.name)
                     : fmt::format("const {}* {}", type(input.dtype), input.name));
  }
  for (const BufferSpec& output : task.outputs) {
    add(fmt::format("{}* {}", type(output.dtype), output.name));
  }
  for (const std::string& axis : task.axes) add("int64_t " + axis);
  return fmt::format("extern \"C\" void {}({})", task.entry, arguments);
}

}  // namespace ks
