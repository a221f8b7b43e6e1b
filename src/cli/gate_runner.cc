#include "cli/gate_runner.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/rng.h"

namespace ks {

namespace {

ProcessBackend& ReferenceBackendOf(Backend& backend) {
  if (auto* const device = dynamic_cast<DeviceBackend*>(&backend)) {
    return device->reference_backend();
  }
  auto* const process = dynamic_cast<ProcessBackend*>(&backend);
  KS_CHECK(process != nullptr);
  return *process;
}

}  // namespace

BackendGateRunner::BackendGateRunner(const Task& task, Backend& backend,
                                     const EvaluationConfig& config, std::stop_token stop)
    : task_(task),
      backend_(backend),
      config_(config),
      stop_(std::move(stop)),
      oracle_(task, ReferenceBackendOf(backend)) {}

Result<std::vector<Bytes>> BackendGateRunner::Reference(const Workload& workload,
                                                        const std::vector<Bytes>& inputs) {
  return oracle_.Expected(workload, Views(inputs), stop_);
}

Result<std::optional<Outcome>> BackendGateRunner::CompileSeed() {
  if (seed_ != nullptr) return std::optional<Outcome>();
  const SeedKernel* seed = task_.FindSeed(backend_.name());
  if (seed == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 "task '" + task_.name + "' has no seed for backend '" + backend_.name() + "'"};
  }
  const CompileLimits limits{config_.compile_timeout_s, config_.memory_limit_bytes};
  KS_ASSIGN_OR_RETURN(CompileOutcome compiled,
                      backend_.Compile(task_, seed->source, limits, stop_));
  return std::visit(
      [this](auto&& alternative) -> std::optional<Outcome> {
        using T = std::decay_t<decltype(alternative)>;
        if constexpr (std::is_same_v<T, CompiledKernel>) {
          seed_ =
              std::make_unique<CompiledKernel>(std::forward<decltype(alternative)>(alternative));
          return std::nullopt;
        } else {
          return Outcome(std::forward<decltype(alternative)>(alternative));
        }
      },
      std::move(compiled));
}

Result<std::variant<std::vector<Bytes>, Outcome>> BackendGateRunner::Seed(
    const Workload& workload, const std::vector<Bytes>& inputs) {
  KS_ASSIGN_OR_RETURN(std::optional<Outcome> failure, CompileSeed());
  if (failure) return Outputs(*std::move(failure));
  if (auto* const device = dynamic_cast<DeviceBackend*>(&backend_)) {
    return SeedOnDevice(*device, workload, inputs);
  }
  return SeedInProcess(dynamic_cast<ProcessBackend&>(backend_), workload, inputs);
}

Result<BackendGateRunner::Outputs> BackendGateRunner::SeedOnDevice(
    DeviceBackend& backend, const Workload& workload, const std::vector<Bytes>& inputs) {
  const auto index = static_cast<size_t>(&workload - task_.workloads.data());
  KS_CHECK(index < task_.workloads.size());
  KS_ASSIGN_OR_RETURN(const DeviceLease::Holder holder, backend.lease().Acquire(stop_));
  if (session_ == nullptr) session_ = std::make_unique<DeviceSession>(task_, backend, SecretSeed());
  KS_ASSIGN_OR_RETURN(auto loaded, session_->Load(*seed_, stop_));
  if (auto* fault = std::get_if<Outcome>(&loaded)) return Outputs(std::move(*fault));
  KS_RETURN_IF_ERROR(session_->Upload(index, SecretSeed(), inputs, stop_));
  KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, session_->Runner(stop_));
  KS_ASSIGN_OR_RETURN(auto called, runner->Call(std::get<LoadedProgram>(loaded).handle, index,
                                                SecretSeed(), config_.call_timeout_s, stop_));
  if (auto* fault = std::get_if<Outcome>(&called)) {
    if (!runner->alive()) session_->Drop();
    return Outputs(std::move(*fault));
  }
  return Outputs(std::move(std::get<DeviceCall>(called).outputs));
}

Result<BackendGateRunner::Outputs> BackendGateRunner::SeedInProcess(
    ProcessBackend& backend, const Workload& workload, const std::vector<Bytes>& inputs) {
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Arena> arena,
                      backend.NewArena(task_, {&workload}, false));
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::copy(inputs[i].begin(), inputs[i].end(), arena->input(0, i).begin());
  }
  arena->Poison(0, SecretSeed());
  const RunnerOptions options{config_.memory_limit_bytes, task_.max_threads, -1, false};
  KS_ASSIGN_OR_RETURN(auto started, backend.NewRunner(task_, *seed_, *arena, options));
  if (auto* outcome = std::get_if<Outcome>(&started)) return Outputs(std::move(*outcome));
  KernelRunner& runner = *std::get<std::unique_ptr<KernelRunner>>(started);
  KS_ASSIGN_OR_RETURN(CallOutcome called, runner.Call(0, config_.call_timeout_s, stop_));
  if (auto* outcome = std::get_if<Outcome>(&called)) return Outputs(std::move(*outcome));
  if (std::optional<OutOfBounds> broken = arena->BrokenGuard(0)) {
    return Outputs(Outcome(*std::move(broken)));
  }
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    const std::span<std::byte> output = arena->output(0, i);
    outputs.emplace_back(output.begin(), output.end());
  }
  return Outputs(std::move(outputs));
}

}  // namespace ks
