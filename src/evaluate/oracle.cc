#include "evaluate/oracle.h"

#include "base/check.h"
#include "core/elements.h"

namespace ks {
namespace {

constexpr double kOracleTimeoutS = 60;

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

Status Oracle::Prepare(std::stop_token stop) {
  if (reference_ != nullptr) return {};
  KS_ASSIGN_OR_RETURN(CompileOutcome outcome, backend_.CompileReference(task_, stop));
  auto* compiled = std::get_if<CompiledKernel>(&outcome);
  if (compiled == nullptr) return Broken(task_, "cannot be used: " + CompileProblem(outcome));
  std::vector<const Workload*> workloads;
  for (const Workload& workload : task_.workloads) workloads.push_back(&workload);
  KS_ASSIGN_OR_RETURN(arena_, backend_.NewArena(task_, workloads, /*widened=*/true));
  reference_ = std::make_unique<CompiledKernel>(std::move(*compiled));
  return {};
}

Status Oracle::StartRunner() {
  RunnerOptions options;
  options.trusted = true;
  KS_ASSIGN_OR_RETURN(auto started, backend_.NewRunner(task_, *reference_, *arena_, options));
  if (const auto* fault = std::get_if<Outcome>(&started)) {
    return Broken(task_, OutcomeSummary(*fault));
  }
  runner_ = std::move(std::get<std::unique_ptr<KernelRunner>>(started));
  return {};
}

Result<std::vector<Bytes>> Oracle::Expected(const Workload& workload,
                                            std::span<const std::span<const std::byte>> inputs,
                                            std::stop_token stop) {
  KS_CHECK(inputs.size() == task_.inputs.size());
  const std::lock_guard lock(mutex_);
  KS_RETURN_IF_ERROR(Prepare(stop));
  if (runner_ == nullptr) KS_RETURN_IF_ERROR(StartRunner());
  const auto index = static_cast<size_t>(&workload - task_.workloads.data());
  KS_CHECK(index < task_.workloads.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    WidenElements(task_.inputs[i].dtype, inputs[i], arena_->input(index, i));
  }
  arena_->Poison(index, 0);
  KS_ASSIGN_OR_RETURN(const CallOutcome outcome, runner_->Call(index, kOracleTimeoutS, stop));
  if (const auto* fault = std::get_if<Outcome>(&outcome)) {
    runner_.reset();
    return Broken(task_, "failed on workload " + workload.name + ": " + OutcomeSummary(*fault));
  }
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    const std::span<const std::byte> view = arena_->output(index, i);
    outputs.emplace_back(view.begin(), view.end());
  }
  return outputs;
}

}  // namespace ks
