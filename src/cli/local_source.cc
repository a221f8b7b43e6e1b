#include "cli/local_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "backend/device/device_backend.h"
#include "base/text.h"
#include "cli/version.h"
#include "cli/wiring.h"

namespace ks {
namespace {

constexpr int64_t kMaxDeviceNumber = 1023;
// Most of what an evaluation on a device takes is not on the device.
constexpr int kTimedAtOnce = 4;

// An evaluator and the task that it refers to: the workloads of its device's class.
class OwningEvaluator final : public Evaluator {
 public:
  OwningEvaluator(const Task& task, Backend& backend, const EvaluationConfig& config,
                  Backend* compiler)
      : task_(ForDeviceClass(task, backend.device_class())),
        evaluator_(MakeEvaluator(task_, backend, config, compiler)) {}
  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token stop) override {
    return evaluator_->Evaluate(request, std::move(stop));
  }
  const Task& task() const override { return task_; }
  const Machine& machine() const override { return evaluator_->machine(); }

 private:
  const Task task_;
  const std::unique_ptr<Evaluator> evaluator_;
};

// Backends that launch on one device take turns there.
void ShareLease(const std::vector<std::unique_ptr<Backend>>& others, Backend& backend) {
  auto* const mine = dynamic_cast<DeviceBackend*>(&backend);
  if (mine == nullptr) return;
  for (const std::unique_ptr<Backend>& other : others) {
    auto* const theirs = dynamic_cast<DeviceBackend*>(other.get());
    if (theirs == nullptr || theirs->machine().device->api != mine->machine().device->api ||
        theirs->machine().device->index != mine->machine().device->index) {
      continue;
    }
    return mine->ShareLease(theirs->shared_lease());
  }
}

// "cuda:1"; without a number the first of the backend.
struct DeviceName {
  std::string backend;
  int number = 0;
};

Result<DeviceName> ParseDeviceName(const std::string& id) {
  const size_t colon = id.find(':');
  DeviceName name{id.substr(0, colon)};
  if (colon == id.npos) return name;
  const std::optional<int64_t> number = ParseInt(id.substr(colon + 1));
  if (!number || *number < 0 || *number > kMaxDeviceNumber) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' is no device; expected a backend and a number: cuda:0", id)};
  }
  name.number = static_cast<int>(*number);
  return name;
}

}  // namespace

Result<std::unique_ptr<LocalEvaluatorSource>> LocalEvaluatorSource::Open(
    const std::vector<std::string>& backends, const std::vector<std::string>& devices) {
  auto source = std::unique_ptr<LocalEvaluatorSource>(new LocalEvaluatorSource());  // private
  for (const std::string& id : devices.empty() ? backends : devices) {
    KS_ASSIGN_OR_RETURN(const DeviceName name, ParseDeviceName(id));
    if (std::find(backends.begin(), backends.end(), name.backend) == backends.end()) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("device '{}' is of no backend that is served ({}): add it to --backend", id,
                      Join(backends, ", "))};
    }
    KS_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend, OpenBackend(name.backend, name.number));
    ShareLease(source->backends_, *backend);
    // Checks of CPU kernels run beside a timing on other cores; on other devices they would
    // disturb it.
    const bool leases_itself = dynamic_cast<DeviceBackend*>(backend.get()) != nullptr;
    source->devices_.push_back({id, name.backend, backend->machine(), name.backend != "cpu",
                                leases_itself ? kTimedAtOnce : 1});
    source->backends_.push_back(std::move(backend));
  }
  return source;
}

void LocalEvaluatorSource::UseCache(BlobCache& cache) {
  for (const auto& backend : backends_) {
    // The version stands for what we put around a candidate before it is compiled.
    compilers_.push_back(std::make_unique<CachingCompiler>(*backend, cache, kVersion));
  }
}

Result<std::unique_ptr<Evaluator>> LocalEvaluatorSource::Make(const Task& task, size_t device,
                                                              const EvaluationConfig& config) {
  Backend* compiler = compilers_.empty() ? nullptr : compilers_[device].get();
  return std::unique_ptr<Evaluator>(
      std::make_unique<OwningEvaluator>(task, *backends_[device], config, compiler));
}

std::optional<double> LocalEvaluatorSource::BusySeconds(size_t device) const {
  auto* const backend = dynamic_cast<DeviceBackend*>(backends_[device].get());
  if (backend == nullptr) return std::nullopt;
  return backend->lease().busy_s();
}

}  // namespace ks
