#include "programs.h"

#include <fmt/format.h>

#include <algorithm>

#include "arguments.h"
#include "helper_source.h"

namespace ks {
namespace {

constexpr uint64_t kPreparedBytesABlock = 32u << 10;
constexpr uint64_t kMaxScratchBytes = uint64_t{1} << 40;

Error Unfit(const std::string& what) {
  return {ErrorCode::kInternal, "the program does not fit its task: " + what};
}

Status CheckArgument(const BoundArgument& argument, const TaskLayout& task) {
  using Kind = BoundArgument::Kind;
  const bool of_input = argument.kind == Kind::kInput || argument.kind == Kind::kScalar;
  if (of_input && argument.index >= task.inputs.size()) return Unfit("an input that is not there");
  if (of_input && task.inputs[argument.index].scalar != (argument.kind == Kind::kScalar)) {
    return Unfit("a scalar as a buffer, or the reverse");
  }
  if (argument.kind == Kind::kOutput && argument.index >= task.outputs.size()) {
    return Unfit("an output that is not there");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Program>> Program::Load(DeviceApi& api, std::string_view bytes,
                                               const TaskLayout& task, std::string* build_log) {
  std::unique_ptr<Program> self(new Program(api));  // private constructor
  Result<DeviceProgram> parsed = ParseProgram(bytes);
  if (!parsed.ok()) return Error{ErrorCode::kInternal, parsed.error().message};
  self->program_ = *std::move(parsed);
  KS_RETURN_IF_ERROR(self->CheckIndices(task));
  for (const DeviceModule& module : self->program_.modules) {
    Result<ModuleId> loaded = api.LoadModule(module);
    if (!loaded.ok()) {
      if (module.kind == ModuleKind::kOpenClSource) *build_log = loaded.error().message;
      return loaded.error();
    }
    self->modules_.push_back(*loaded);
  }
  for (const DeviceKernel& kernel : self->program_.kernels) {
    KS_ASSIGN_OR_RETURN(KernelInfo info,
                        api.FindKernel(self->modules_[kernel.module], kernel.symbol));
    self->kernels_.push_back(std::move(info));
  }
  return self;
}

Program::~Program() {
  for (const ModuleId module : modules_) api_.UnloadModule(module);
}

Status Program::CheckIndices(const TaskLayout& task) const {
  if (program_.workloads.size() != task.workloads.size()) {
    return Unfit(
        fmt::format("{} workloads of {}", program_.workloads.size(), task.workloads.size()));
  }
  for (const DeviceWorkload& workload : program_.workloads) {
    for (const uint64_t bytes : workload.scratch_bytes) {
      if (bytes > kMaxScratchBytes) return Unfit("a scratch buffer of more than 2^40 bytes");
    }
    for (const BoundStep& step : workload.steps) {
      if (const auto* clear = std::get_if<BoundClear>(&step)) {
        KS_RETURN_IF_ERROR(CheckArgument({clear->kind, clear->index, 0}, task));
        continue;
      }
      for (const BoundArgument& argument : std::get_if<BoundLaunch>(&step)->args) {
        KS_RETURN_IF_ERROR(CheckArgument(argument, task));
      }
    }
  }
  return {};
}

DeviceFeatures Program::Features(size_t workload) const {
  DeviceFeatures features;
  const DeviceInfo& device = api_.info();
  const DeviceWorkload& work = program_.workloads[workload];
  features.launches = static_cast<int>(work.steps.size());
  for (const uint64_t bytes : work.scratch_bytes) {
    features.scratch_bytes += static_cast<int64_t>(bytes);
  }
  double most_threads = 0;
  bool first = true;
  for (const BoundStep& step : work.steps) {
    const auto* launch = std::get_if<BoundLaunch>(&step);
    if (launch == nullptr) continue;
    const KernelInfo& kernel = kernels_[launch->kernel];
    const int threads = static_cast<int>(std::min<uint64_t>(
        uint64_t{launch->block[0]} * launch->block[1] * launch->block[2], 1u << 20));
    const double blocks =
        double{1} * launch->grid[0] * launch->grid[1] * static_cast<double>(launch->grid[2]);
    features.registers = std::max(features.registers, kernel.registers);
    features.spill_bytes = std::max(features.spill_bytes, kernel.spill_bytes);
    features.shared_bytes =
        std::max(features.shared_bytes, kernel.static_shared_bytes + int64_t{launch->shared_bytes});
    features.threads_per_block = std::max(features.threads_per_block, threads);
    if (device.threads_per_sm > 0) {
      const double resident = api_.ResidentBlocks(kernel.id, threads, launch->shared_bytes);
      const double share = std::min(1.0, resident * threads / double(device.threads_per_sm));
      features.occupancy = first ? share : std::min(features.occupancy, share);
      first = false;
    }
    if (blocks * threads > most_threads) {
      most_threads = blocks * threads;
      features.blocks_per_sm = blocks / std::max(device.sm_count, 1);
    }
  }
  return features;
}

ArenaLayout Program::ScratchLayout(size_t workload, std::vector<BufferView>* views) const {
  ArenaLayout layout(1, api_.alignment());
  const DeviceWorkload& work = program_.workloads[workload];
  for (size_t i = 0; i < work.scratch_bytes.size(); ++i) {
    const uint64_t bytes = work.scratch_bytes[i];
    const uint64_t offset =
        layout.Add(fmt::format("scratch buffer {}", i + 1), bytes, int{kPoisonFloat});
    views->push_back({-1, offset, bytes});
  }
  return layout;
}

uint64_t Program::ScratchBytes(size_t workload) const {
  std::vector<BufferView> views;
  return ScratchLayout(workload, &views).bytes();
}

void ReadyCall::Move(BufferId buffer, int64_t by) {
  const auto move = [&](BufferView& view) {
    if (view.buffer == buffer) view.offset += static_cast<uint64_t>(by);  // modulo 2^64
  };
  for (ReadyStep& step : steps) {
    if (auto* view = std::get_if<BufferView>(&step)) {
      move(*view);
      continue;
    }
    for (LaunchArgument& argument : std::get<ReadyLaunch>(step).arguments) {
      if (argument.kind == LaunchArgument::Kind::kBuffer) move(argument.view);
    }
  }
}

Result<ReadyCall> Program::Ready(size_t workload, const TaskLayout& task,
                                 const WorkloadBuffers& buffers, const BufferView& scratch,
                                 Helpers& helpers) const {
  ReadyCall call;
  std::vector<BufferView> views;
  const ArenaLayout own = ScratchLayout(workload, &views);
  for (BufferView& view : views) {
    view.buffer = scratch.buffer;
    view.offset += scratch.offset;
  }
  const CallBuffers targets = {task, buffers, views};
  for (const BoundStep& step : program_.workloads[workload].steps) {
    if (const auto* clear = std::get_if<BoundClear>(&step)) {
      call.steps.emplace_back(clear->kind == BoundArgument::Kind::kOutput
                                  ? buffers.output(clear->index)
                                  : views[clear->index]);
      continue;
    }
    const auto& launch = *std::get_if<BoundLaunch>(&step);
    const DeviceKernel& kernel = program_.kernels[launch.kernel];
    const KernelInfo& info = kernels_[launch.kernel];
    ReadyLaunch ready;
    ready.kernel = info.id;
    KS_ASSIGN_OR_RETURN(ready.shape, MakeShape(kernel, info, launch, api_.info()));
    KS_ASSIGN_OR_RETURN(ready.arguments, MakeArguments(kernel, info, launch, targets));
    call.steps.emplace_back(std::move(ready));
  }
  std::vector<Region> rows = buffers.layout().rows();
  call.labels = buffers.layout().labels();
  rows.insert(rows.end(), own.rows().begin(), own.rows().end());
  call.labels.insert(call.labels.end(), own.labels().begin(), own.labels().end());
  KS_ASSIGN_OR_RETURN(call.regions, helpers.NewTable(std::move(rows), kPreparedBytesABlock));
  return call;
}

}  // namespace ks
