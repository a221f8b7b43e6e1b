#include "evaluate/device_session.h"

#include <algorithm>
#include <utility>

#include "base/rng.h"

namespace ks {
namespace {

size_t BytesOf(const ContentMap& contents) {
  size_t bytes = 0;
  for (const auto& [workload, inputs] : contents) {
    for (const Bytes& input : *inputs) bytes += input.size();
  }
  return bytes;
}

Result<std::shared_ptr<const std::vector<Bytes>>> FillContent(const Task& task, size_t workload,
                                                              uint64_t seed) {
  KS_ASSIGN_OR_RETURN(
      std::vector<Bytes> inputs,
      FillSamples(task, task.workloads.at(workload), DeriveSeed(seed, "time content", workload),
                  DeviceSession::kSampleElements));
  return std::make_shared<const std::vector<Bytes>>(std::move(inputs));
}

}  // namespace

Result<ContentMap> FillContents(const Task& task, WorkloadRole role, uint64_t seed) {
  ContentMap contents;
  for (size_t i = 0; i < task.workloads.size(); ++i) {
    if (task.workloads[i].role != role) continue;
    KS_ASSIGN_OR_RETURN(contents[i], FillContent(task, i, seed));
  }
  return contents;
}

void DeviceSession::GiveBack() {
  if (runner_ != nullptr) backend_.ReturnRunner(std::move(runner_));
  runner_.reset();
  loaded_.clear();
}

Result<DeviceRunner*> DeviceSession::Runner(std::stop_token stop) {
  if (runner_ == nullptr) {
    KS_ASSIGN_OR_RETURN(
        std::unique_ptr<DeviceRunner> runner,
        was_fresh_ ? backend_.TakeFresh(std::move(stop)) : backend_.TakeRunner(std::move(stop)));
    KS_RETURN_IF_ERROR(runner->OpenTask(task_));
    runner_ = std::move(runner);
  }
  return runner_.get();
}

DeviceResult<LoadedProgram> DeviceSession::Load(const CompiledKernel& kernel,
                                                std::stop_token stop) {
  using Answer = std::variant<LoadedProgram, Outcome>;
  KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, Runner(stop));
  const auto known = std::find_if(loaded_.begin(), loaded_.end(), [&](const Loaded& one) {
    return one.binary_hash == kernel.binary_hash;
  });
  if (known != loaded_.end()) {
    std::rotate(known, known + 1, loaded_.end());
    return Answer(loaded_.back().program);
  }
  if (loaded_.size() >= kLoadedPrograms) {
    KS_RETURN_IF_ERROR(runner->Unload(loaded_.front().program.handle));
    loaded_.erase(loaded_.begin());
  }
  KS_ASSIGN_OR_RETURN(Answer answer, runner->Load(kernel, std::move(stop)));
  if (const auto* program = std::get_if<LoadedProgram>(&answer)) {
    loaded_.push_back({kernel.binary_hash, *program});
  } else if (!runner->alive()) {
    Drop();
  }
  return answer;
}

Status DeviceSession::Upload(size_t workload, uint64_t placement, const std::vector<Bytes>& inputs,
                             std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, Runner(std::move(stop)));
  Status status = runner->SetContents(workload, placement, inputs);
  if (status.ok() || status.error().code != ErrorCode::kResourceExhausted) return status;
  for (size_t other = 0; other < task_.workloads.size(); ++other) {
    if (other != workload && runner->HasContents(other)) runner->DropContents(other);
  }
  status = runner->SetContents(workload, placement, inputs);
  if (status.ok()) return status;
  return status.error().Under("workload " + task_.workloads.at(workload).name);
}

Status DeviceSession::EnsureTimeContent(size_t workload, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(DeviceRunner* const runner, Runner(stop));
  if (runner->HasContents(workload)) return {};
  std::shared_ptr<const std::vector<Bytes>>& content = contents_[workload];
  if (content == nullptr) {
    KS_ASSIGN_OR_RETURN(content, FillContent(task_, workload, content_seed_));
  }
  const uint64_t placement = DeriveSeed(content_seed_, "time placement", workload);
  const Status status = Upload(workload, placement, *content, std::move(stop));
  if (BytesOf(contents_) > kHostBytes) contents_.erase(workload);
  return status;
}

void DeviceSession::Drop() {
  runner_.reset();
  loaded_.clear();
}

Result<std::unique_ptr<DeviceRunner>> DeviceSession::FreshRunner(std::stop_token stop) const {
  const auto take = [&]() -> Result<std::unique_ptr<DeviceRunner>> {
    KS_ASSIGN_OR_RETURN(std::unique_ptr<DeviceRunner> runner, backend_.TakeFresh(stop));
    KS_RETURN_IF_ERROR(runner->OpenTask(task_));
    return runner;
  };
  Result<std::unique_ptr<DeviceRunner>> runner = take();
  if (!runner.ok() && runner.error().code == ErrorCode::kUnavailable) return take();
  return runner;
}

std::unique_ptr<DeviceRunner> DeviceSession::Renew(uint64_t seed, ContentMap prepared,
                                                   std::unique_ptr<DeviceRunner> runner) {
  std::unique_ptr<DeviceRunner> before = std::exchange(runner_, std::move(runner));
  loaded_.clear();
  was_fresh_ = true;
  content_seed_ = seed;
  contents_ = std::move(prepared);
  // It is ended later; its memory is wanted now.
  for (size_t i = 0; before != nullptr && i < task_.workloads.size(); ++i) {
    if (before->HasContents(i)) before->DropContents(i);
  }
  return before;
}

}  // namespace ks
