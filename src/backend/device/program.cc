#include "backend/device/program.h"

#include <fmt/format.h>

#include "backend/device/wire.h"
#include "base/hash.h"

namespace ks {
namespace {

constexpr uint32_t kMagic = 0x5044534b;  // "KSDP"
constexpr uint32_t kVersion = 1;

void WriteArgument(const BoundArgument& argument, WireWriter* out) {
  out->Number(argument.kind);
  out->Number(argument.index);
  out->Number(argument.value);
}

BoundArgument ReadArgument(WireReader* in) {
  BoundArgument argument;
  argument.kind = in->Enum(BoundArgument::Kind::kInteger);
  argument.index = in->Number<uint32_t>();
  argument.value = in->Number<int64_t>();
  return argument;
}

void WriteLaunch(const BoundLaunch& launch, WireWriter* out) {
  out->Number(launch.kernel);
  for (const uint32_t extent : launch.grid) out->Number(extent);
  for (const uint32_t extent : launch.block) out->Number(extent);
  out->Number(launch.shared_bytes);
  out->Number(launch.cluster);
  out->Number(static_cast<uint8_t>(launch.cooperative));
  out->List(launch.args, [&](const BoundArgument& argument) { WriteArgument(argument, out); });
}

BoundLaunch ReadLaunch(WireReader* in) {
  BoundLaunch launch;
  launch.kernel = in->Number<uint32_t>();
  for (uint32_t& extent : launch.grid) extent = in->Number<uint32_t>();
  for (uint32_t& extent : launch.block) extent = in->Number<uint32_t>();
  launch.shared_bytes = in->Number<uint32_t>();
  launch.cluster = in->Number<uint32_t>();
  launch.cooperative = in->Flag();
  launch.args = in->List<BoundArgument>(13, [&] { return ReadArgument(in); });
  return launch;
}

void WriteStep(const BoundStep& step, WireWriter* out) {
  out->Number(static_cast<uint8_t>(step.index()));
  if (const auto* clear = std::get_if<BoundClear>(&step)) {
    out->Number(clear->kind);
    out->Number(clear->index);
  } else {
    WriteLaunch(*std::get_if<BoundLaunch>(&step), out);
  }
}

BoundStep ReadStep(WireReader* in) {
  if (in->Flag()) return ReadLaunch(in);
  BoundClear clear;
  clear.kind = in->Enum(BoundArgument::Kind::kInteger);
  clear.index = in->Number<uint32_t>();
  return clear;
}

void WriteWorkload(const DeviceWorkload& workload, WireWriter* out) {
  out->List(workload.scratch_bytes, [&](uint64_t bytes) { out->Number(bytes); });
  out->List(workload.steps, [&](const BoundStep& step) { WriteStep(step, out); });
}

DeviceWorkload ReadWorkload(WireReader* in) {
  DeviceWorkload workload;
  workload.scratch_bytes = in->List<uint64_t>(8, [&] { return in->Number<uint64_t>(); });
  workload.steps = in->List<BoundStep>(6, [&] { return ReadStep(in); });
  return workload;
}

Error Damaged(const std::string& what) {
  return {ErrorCode::kDataLoss, "a compiled device program is damaged: " + what};
}

Status CheckArgument(const BoundArgument& argument, const DeviceWorkload& workload) {
  if (argument.kind == BoundArgument::Kind::kScratch &&
      argument.index >= workload.scratch_bytes.size()) {
    return Damaged(
        fmt::format("scratch buffer {} of {}", argument.index, workload.scratch_bytes.size()));
  }
  return {};
}

Status CheckStep(const BoundStep& step, const DeviceWorkload& workload,
                 const DeviceProgram& program) {
  if (const auto* clear = std::get_if<BoundClear>(&step)) {
    if (clear->kind != BoundArgument::Kind::kOutput &&
        clear->kind != BoundArgument::Kind::kScratch) {
      return Damaged("a clear step of something else than an output or scratch buffer");
    }
    return CheckArgument({clear->kind, clear->index, 0}, workload);
  }
  const auto& launch = *std::get_if<BoundLaunch>(&step);
  if (launch.kernel >= program.kernels.size()) {
    return Damaged(fmt::format("kernel {} of {}", launch.kernel, program.kernels.size()));
  }
  for (const BoundArgument& argument : launch.args) {
    KS_RETURN_IF_ERROR(CheckArgument(argument, workload));
  }
  return {};
}

Status CheckIndices(const DeviceProgram& program) {
  for (const DeviceKernel& kernel : program.kernels) {
    if (kernel.module >= program.modules.size()) {
      return Damaged(fmt::format("module {} of {}", kernel.module, program.modules.size()));
    }
  }
  for (const DeviceWorkload& workload : program.workloads) {
    for (const BoundStep& step : workload.steps) {
      KS_RETURN_IF_ERROR(CheckStep(step, workload, program));
    }
  }
  return {};
}

}  // namespace

std::string SerializeProgram(const DeviceProgram& program) {
  WireWriter out;
  out.Number(kMagic);
  out.Number(kVersion);
  out.List(program.modules, [&](const DeviceModule& module) {
    out.Number(module.kind);
    out.Text(module.image);
    out.Text(module.options);
  });
  out.List(program.kernels, [&](const DeviceKernel& kernel) {
    out.Number(kernel.module);
    out.Text(kernel.symbol);
    out.Number(kernel.hidden_args);
    out.Text(kernel.name);
  });
  out.List(program.workloads,
           [&](const DeviceWorkload& workload) { WriteWorkload(workload, &out); });
  return out.Take();
}

Result<DeviceProgram> ParseProgram(std::string_view bytes) {
  WireReader in(bytes);
  const auto magic = in.Number<uint32_t>();
  const auto version = in.Number<uint32_t>();
  if (!in.ok() || magic != kMagic) return Damaged("it does not begin with its mark");
  if (version != kVersion) {
    return Damaged(fmt::format("version {}, this program reads {}", version, kVersion));
  }
  DeviceProgram program;
  program.modules = in.List<DeviceModule>(17, [&] {
    DeviceModule module;
    module.kind = in.Enum(ModuleKind::kHsaco);
    module.image = in.Text();
    module.options = in.Text();
    return module;
  });
  program.kernels = in.List<DeviceKernel>(24, [&] {
    DeviceKernel kernel;
    kernel.module = in.Number<uint32_t>();
    kernel.symbol = in.Text();
    kernel.hidden_args = in.Number<uint32_t>();
    kernel.name = in.Text();
    return kernel;
  });
  program.workloads = in.List<DeviceWorkload>(8, [&] { return ReadWorkload(&in); });
  if (!in.AtEnd()) return Damaged(in.ok() ? "bytes after its end" : "it ends early");
  KS_RETURN_IF_ERROR(CheckIndices(program));
  return program;
}

std::string ProgramHash(const DeviceProgram& program) {
  DeviceProgram decisive = program;
  for (DeviceKernel& kernel : decisive.kernels) kernel.name.clear();
  return Sha256Hex(SerializeProgram(decisive));
}

}  // namespace ks
