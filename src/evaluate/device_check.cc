#include "evaluate/device_check.h"

#include <utility>

#include "base/rng.h"
#include "core/elements.h"
#include "evaluate/check_stage.h"
#include "evaluate/stage_timer.h"

namespace ks {
namespace {

size_t OutputBytes(const Task& task, const Workload& workload) {
  size_t bytes = 0;
  for (const BufferSpec& output : task.outputs) {
    const Result<int64_t> count = ElementCount(output, workload.axes);
    if (count.ok()) bytes += static_cast<size_t>(*count) * SizeOf(output.dtype);
  }
  return bytes;
}

}  // namespace

// The first trial alone, so that most wrong candidates cost little; then the others. Where every
// batch costs a process, all of them at once.
Result<std::vector<std::vector<DeviceChecker::Item>>> DeviceChecker::Plan(uint64_t secret_seed,
                                                                          std::stop_token stop) {
  Rng rng(DeriveSeed(secret_seed, "device check", 0));
  std::vector<std::vector<Item>> batches;
  size_t bytes = 0;
  for (int trial = 0; trial < config_.check_trials; ++trial) {
    std::vector<size_t> order;
    for (size_t i = 0; i < task_.workloads.size(); ++i) {
      if (task_.workloads[i].role == WorkloadRole::kCheck) order.push_back(i);
    }
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
    if (trial == 0 || (trial == 1 && !RunsNatively(backend_))) {
      batches.emplace_back();
      bytes = 0;
    }
    for (size_t workload : order) {
      bytes += OutputBytes(task_, task_.workloads[workload]) * (trial == 0 ? 2 : 1);
      if (bytes > kBatchBytes && !batches.back().empty()) {
        batches.emplace_back();
        bytes = 0;
      }
      Item item;
      item.workload = workload;
      item.twice = trial == 0;
      KS_ASSIGN_OR_RETURN(item.content, bank_.Draw(workload, trial, rng.Next(), stop));
      item.salt = rng.Next();
      batches.back().push_back(std::move(item));
    }
  }
  return batches;
}

Result<DeviceChecker::Collected> DeviceChecker::Collect(const CompiledKernel& kernel,
                                                        const std::vector<Item>& batch,
                                                        std::stop_token stop) {
  Collected collected;
  KS_ASSIGN_OR_RETURN(auto loaded, session_.Load(kernel, stop));
  if (auto* fault = std::get_if<Outcome>(&loaded)) {
    collected.fault = std::move(*fault);
    return collected;
  }
  const int program = std::get<LoadedProgram>(loaded).handle;
  for (const Item& item : batch) {
    KS_RETURN_IF_ERROR(session_.Upload(item.workload, DeriveSeed(item.salt, "placement", 0),
                                       item.content->inputs, stop));
    KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, session_.Runner(stop));
    Calls calls;
    for (uint64_t repeat = 0; repeat < (item.twice ? 2 : 1); ++repeat) {
      KS_ASSIGN_OR_RETURN(auto called, runner->Call(program, item.workload, item.salt + repeat,
                                                    config_.call_timeout_s, stop));
      if (auto* fault = std::get_if<Outcome>(&called)) {
        collected.fault = std::move(*fault);
        session_.Drop();
        return collected;
      }
      calls.push_back(std::move(std::get<DeviceCall>(called).outputs));
    }
    collected.items.push_back(std::move(calls));
  }
  return collected;
}

// Float outputs of a repetition may differ within the tolerance: atomics add in any order.
std::optional<Outcome> DeviceChecker::JudgeItem(const Item& item, const Calls& calls) const {
  const Workload& workload = task_.workloads[item.workload];
  const std::vector<Bytes>& want = item.content->want;
  std::optional<Outcome> first = JudgeOutputs(task_, workload, Views(calls.front()), want, false);
  if (calls.size() < 2) return first;
  std::optional<Outcome> second = JudgeOutputs(task_, workload, Views(calls.back()), want, false);
  if (first.has_value() == second.has_value()) return first;
  const auto& wrong = std::get<WrongResult>(first ? *first : *second);
  if (wrong.index < 0) return first ? first : second;  // only the norm is off
  for (size_t i = 0; i < task_.outputs.size(); ++i) {
    const BufferSpec& output = task_.outputs[i];
    if (output.name != wrong.output) continue;
    return Nondeterministic{wrong.workload, wrong.output, wrong.index,
                            ElementAt(output.dtype, calls.front()[i], wrong.index),
                            ElementAt(output.dtype, calls.back()[i], wrong.index)};
  }
  return first ? first : second;
}

Result<std::optional<Outcome>> DeviceChecker::Run(const CompiledKernel& kernel,
                                                  uint64_t secret_seed, StageSeconds& seconds,
                                                  std::stop_token stop) {
  std::optional<Result<std::vector<std::vector<Item>>>> planned;
  {
    const StageTimer timer(seconds.check);
    planned.emplace(Plan(secret_seed, stop));
  }
  KS_ASSIGN_OR_RETURN(const std::vector<std::vector<Item>> batches, *std::move(planned));
  for (const std::vector<Item>& batch : batches) {
    std::optional<Result<Collected>> outcome;
    {
      std::optional<Result<DeviceLease::Holder>> holder;
      {
        const StageTimer timer(seconds.queue);
        holder.emplace(backend_.lease().Acquire(stop));
      }
      if (!holder->ok()) return holder->error();
      const StageTimer timer(seconds.check);
      outcome.emplace(RetriedOnce(session_, [&] { return Collect(kernel, batch, stop); }));
      if (RunsNatively(backend_)) session_.GiveBack();
    }
    KS_ASSIGN_OR_RETURN(Collected collected, *std::move(outcome));
    const StageTimer timer(seconds.check);
    for (size_t i = 0; i < collected.items.size(); ++i) {
      if (std::optional<Outcome> wrong = JudgeItem(batch[i], collected.items[i])) return wrong;
    }
    if (collected.fault) return std::move(collected.fault);
  }
  return std::optional<Outcome>();
}

}  // namespace ks
