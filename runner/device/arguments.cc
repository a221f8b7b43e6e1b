#include "arguments.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "core/elements.h"

namespace ks {
namespace {

using Kind = KernelParameter::Kind;

Error Refused(const DeviceKernel& kernel, const std::string& what) {
  return {ErrorCode::kInvalidArgument, fmt::format("kernel '{}': {}", kernel.name, what)};
}

LaunchArgument BufferArgument(const BufferView& view) {
  LaunchArgument argument;
  argument.kind = LaunchArgument::Kind::kBuffer;
  argument.view = view;
  return argument;
}

template <typename T>
LaunchArgument ValueArgument(T value) {
  LaunchArgument argument;
  argument.bytes = sizeof value;
  std::memcpy(argument.value.data(), &value, sizeof value);
  return argument;
}

bool Fits(int64_t value, uint32_t bytes) {
  if (bytes >= 8) return true;
  const int64_t bits = int64_t{bytes} * 8;
  return value >= -(int64_t{1} << (bits - 1)) && value < (int64_t{1} << bits);
}

Result<LaunchArgument> IntegerArgument(const DeviceKernel& kernel, int64_t value,
                                       const KernelParameter& parameter, size_t position) {
  if (parameter.kind == Kind::kFloat) {
    if (parameter.bytes == 4) return ValueArgument(static_cast<float>(value));
    return ValueArgument(static_cast<double>(value));
  }
  if (!Fits(value, parameter.bytes)) {
    return Refused(kernel, fmt::format("argument {} is {}, which does not fit its {} bytes",
                                       position, value, parameter.bytes));
  }
  LaunchArgument argument = ValueArgument(value);
  argument.bytes = parameter.bytes;
  return argument;
}

template <typename T>
T Load(const std::array<std::byte, 8>& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

Result<LaunchArgument> ScalarArgument(const DeviceKernel& kernel, const InputLayout& input,
                                      const std::array<std::byte, 8>& bytes,
                                      const KernelParameter& parameter, size_t position) {
  switch (input.dtype) {
    case DType::kI32:
      return IntegerArgument(kernel, Load<int32_t>(bytes), parameter, position);
    case DType::kI64:
      return IntegerArgument(kernel, Load<int64_t>(bytes), parameter, position);
    case DType::kU8:
      return IntegerArgument(kernel, Load<uint8_t>(bytes), parameter, position);
    case DType::kF32:
    case DType::kF64:
    case DType::kF16:
    case DType::kBF16:
      break;
  }
  const double value = ElementAt(input.dtype, bytes, 0);
  if (parameter.kind == Kind::kValue || (parameter.bytes != 4 && parameter.bytes != 8)) {
    return Refused(kernel,
                   fmt::format("argument {} is the {} scalar '{}'; the kernel takes an "
                               "integer of {} bytes there",
                               position, DTypeName(input.dtype), input.name, parameter.bytes));
  }
  if (parameter.bytes == 4) return ValueArgument(static_cast<float>(value));
  return ValueArgument(value);
}

// Without knowledge of the driver: the natural one.
KernelParameter NaturalParameter(const BoundArgument& argument, const TaskLayout& task) {
  if (argument.kind == BoundArgument::Kind::kScalar) {
    const DType dtype = task.inputs[argument.index].dtype;
    return {IsFloat(dtype) ? Kind::kFloat : Kind::kValue, static_cast<uint32_t>(SizeOf(dtype))};
  }
  return {Kind::kUnknown, 8};
}

Result<LaunchArgument> OneArgument(const DeviceKernel& kernel, const BoundArgument& argument,
                                   const KernelParameter& parameter, const CallBuffers& call,
                                   size_t position) {
  const bool value = argument.kind == BoundArgument::Kind::kScalar ||
                     argument.kind == BoundArgument::Kind::kInteger;
  if (value && parameter.kind == Kind::kBuffer) {
    return Refused(
        kernel, fmt::format("argument {} is a number; the kernel takes a pointer there", position));
  }
  if (!value &&
      (parameter.kind == Kind::kValue || parameter.kind == Kind::kFloat || parameter.bytes != 8)) {
    return Refused(kernel, fmt::format("argument {} is a buffer; the kernel takes a number of {} "
                                       "bytes there",
                                       position, parameter.bytes));
  }
  switch (argument.kind) {
    case BoundArgument::Kind::kInput:
      return BufferArgument(call.buffers.input(argument.index));
    case BoundArgument::Kind::kOutput:
      return BufferArgument(call.buffers.output(argument.index));
    case BoundArgument::Kind::kScratch:
      return BufferArgument(call.scratch[argument.index]);
    case BoundArgument::Kind::kScalar:
      return ScalarArgument(kernel, call.task.inputs[argument.index],
                            call.buffers.scalar(argument.index), parameter, position);
    case BoundArgument::Kind::kInteger:
      return IntegerArgument(kernel, argument.value, parameter, position);
  }
  return Refused(kernel, "an argument of an unknown kind");
}

LaunchArgument HiddenArgument(const KernelParameter& parameter) {
  LaunchArgument argument;
  argument.bytes = std::min<uint32_t>(parameter.bytes, 8);
  return argument;
}

}  // namespace

Result<std::vector<LaunchArgument>> MakeArguments(const DeviceKernel& kernel,
                                                  const KernelInfo& info, const BoundLaunch& launch,
                                                  const CallBuffers& call) {
  std::vector<KernelParameter> parameters = info.parameters;
  if (!info.has_parameters) {
    for (const BoundArgument& argument : launch.args) {
      parameters.push_back(NaturalParameter(argument, call.task));
    }
    parameters.resize(parameters.size() + kernel.hidden_args, {Kind::kUnknown, 8});
  }
  size_t expected = 0;
  bool has_local = false;
  for (const KernelParameter& parameter : parameters) {
    has_local = has_local || parameter.kind == Kind::kLocal;
    expected += parameter.kind == Kind::kLocal ? 0 : 1;
  }
  if (expected != launch.args.size() + kernel.hidden_args) {
    return Refused(kernel, fmt::format("takes {} arguments, the launch passes {}",
                                       expected - std::min<size_t>(expected, kernel.hidden_args),
                                       launch.args.size()));
  }
  if (has_local && launch.shared_bytes == 0) {
    return Refused(kernel, "takes a __local pointer; the launch has to say shared=BYTES");
  }
  std::vector<LaunchArgument> arguments;
  size_t next = 0;
  for (const KernelParameter& parameter : parameters) {
    if (parameter.kind == Kind::kLocal) {
      LaunchArgument local;
      local.kind = LaunchArgument::Kind::kLocal;
      local.bytes = launch.shared_bytes;
      arguments.push_back(local);
      continue;
    }
    if (next >= launch.args.size()) {
      arguments.push_back(HiddenArgument(parameter));
      continue;
    }
    KS_ASSIGN_OR_RETURN(LaunchArgument argument,
                        OneArgument(kernel, launch.args[next], parameter, call, next + 1));
    arguments.push_back(argument);
    ++next;
  }
  return arguments;
}

Result<LaunchShape> MakeShape(const DeviceKernel& kernel, const KernelInfo& info,
                              const BoundLaunch& launch, const DeviceInfo& device) {
  LaunchShape shape;
  uint64_t threads = 1;
  for (size_t i = 0; i < 3; ++i) {
    shape.grid[i] = launch.grid[i];
    shape.block[i] = launch.block[i];
    if (launch.grid[i] == 0 || launch.block[i] == 0) {
      return Refused(kernel, "its grid or block has an extent of 0");
    }
    threads = std::min<uint64_t>(threads * launch.block[i], uint64_t{1} << 32);
  }
  const auto most =
      static_cast<uint64_t>(info.max_threads > 0 ? info.max_threads : device.max_threads_per_block);
  if (threads > most) {
    return Refused(kernel,
                   fmt::format("{} threads a block; at most {} are possible here", threads, most));
  }
  const int64_t shared = int64_t{launch.shared_bytes} + info.static_shared_bytes;
  if (device.shared_bytes_per_block > 0 && shared > device.shared_bytes_per_block) {
    return Refused(kernel, fmt::format("{} bytes of shared memory a block; at most {} are possible",
                                       shared, device.shared_bytes_per_block));
  }
  shape.shared_bytes = launch.shared_bytes;
  shape.cluster = launch.cluster;
  shape.cooperative = launch.cooperative;
  return shape;
}

}  // namespace ks
