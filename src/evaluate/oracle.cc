#include "evaluate/oracle.h"

#include <algorithm>

#include "base/check.h"
#include "core/elements.h"

namespace ks {
namespace {

constexpr double kOracleTimeoutS = 60;
constexpr double kSmallBytes = 16 << 20;  // in fp64; such workloads share a process

Error Broken(const Task& task, const std::string& what) {
  return {ErrorCode::kFailedPrecondition, "the reference of task '" + task.name + "' " + what};
}

std::string CompileProblem(const CompileOutcome& outcome) {
  if (const auto* failed = std::get_if<CompileFailed>(&outcome)) return OutcomeSummary(*failed);
  if (const auto* rejected = std::get_if<Rejected>(&outcome)) return OutcomeSummary(*rejected);
  if (const auto* late = std::get_if<TimedOut>(&outcome)) return OutcomeSummary(*late);
  return "out of memory";
}

}  // namespace

std::vector<std::span<const std::byte>> Views(const std::vector<Bytes>& buffers) {
  return {buffers.begin(), buffers.end()};
}

Status Oracle::Compile(std::stop_token stop) {
  if (reference_ != nullptr) return {};
  KS_ASSIGN_OR_RETURN(CompileOutcome outcome, backend_.CompileReference(task_, stop));
  auto* compiled = std::get_if<CompiledKernel>(&outcome);
  if (compiled == nullptr) return Broken(task_, "cannot be used: " + CompileProblem(outcome));
  reference_ = std::make_unique<CompiledKernel>(std::move(*compiled));
  return {};
}

bool Oracle::IsSmall(const Workload& workload) const {
  double bytes = 0;
  for (const auto* buffers : {&task_.inputs, &task_.outputs}) {
    for (const BufferSpec& buffer : *buffers) {
      const Result<int64_t> count = ElementCount(buffer, workload.axes);
      if (count.ok()) bytes += 8.0 * static_cast<double>(*count);
    }
  }
  return bytes <= kSmallBytes;
}

Result<Oracle::Place*> Oracle::PlaceOf(size_t workload, size_t* at) {
  const bool is_small = IsSmall(task_.workloads[workload]);
  Place& place = is_small ? small_ : large_;
  if (place.arena == nullptr || (!is_small && place.workloads[0] != workload)) {
    place.runner.reset();  // it uses the arena
    place = {};
    std::vector<const Workload*> held;
    for (size_t i = 0; i < task_.workloads.size(); ++i) {
      if (is_small ? !IsSmall(task_.workloads[i]) : i != workload) continue;
      place.workloads.push_back(i);
      held.push_back(&task_.workloads[i]);
    }
    KS_ASSIGN_OR_RETURN(place.arena, backend_.NewArena(task_, held, /*widened=*/true));
  }
  if (place.runner == nullptr) KS_RETURN_IF_ERROR(StartRunner(place));
  const auto found = std::find(place.workloads.begin(), place.workloads.end(), workload);
  *at = static_cast<size_t>(found - place.workloads.begin());
  return &place;
}

Status Oracle::StartRunner(Place& place) {
  RunnerOptions options;
  options.trusted = true;
  KS_ASSIGN_OR_RETURN(auto started, backend_.NewRunner(task_, *reference_, *place.arena, options));
  if (const auto* fault = std::get_if<Outcome>(&started)) {
    return Broken(task_, OutcomeSummary(*fault));
  }
  place.runner = std::move(std::get<std::unique_ptr<KernelRunner>>(started));
  return {};
}

Result<std::vector<Bytes>> Oracle::Expected(const Workload& workload,
                                            std::span<const std::span<const std::byte>> inputs,
                                            std::stop_token stop) {
  KS_CHECK(inputs.size() == task_.inputs.size());
  const auto index = static_cast<size_t>(&workload - task_.workloads.data());
  KS_CHECK(index < task_.workloads.size());
  const std::lock_guard lock(mutex_);
  KS_RETURN_IF_ERROR(Compile(stop));
  size_t at = 0;
  KS_ASSIGN_OR_RETURN(Place* const place, PlaceOf(index, &at));
  for (size_t i = 0; i < inputs.size(); ++i) {
    WidenElements(task_.inputs[i].dtype, inputs[i], place->arena->input(at, i));
  }
  place->arena->Poison(at, 0);
  KS_ASSIGN_OR_RETURN(const CallOutcome outcome, place->runner->Call(at, kOracleTimeoutS, stop));
  if (const auto* fault = std::get_if<Outcome>(&outcome)) {
    place->runner.reset();
    return Broken(task_, "failed on workload " + workload.name + ": " + OutcomeSummary(*fault));
  }
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    const std::span<const std::byte> view = place->arena->output(at, i);
    outputs.emplace_back(view.begin(), view.end());
  }
  return outputs;
}

}  // namespace ks
