#include "cli/local_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "backend/device/device_backend.h"
#include "base/text.h"
#include "cli/version.h"
#include "cli/wiring.h"

namespace ks {
namespace {

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

}  // namespace

Result<std::unique_ptr<LocalEvaluatorSource>> LocalEvaluatorSource::Open(
    const std::vector<std::string>& backends, const std::vector<std::string>& devices) {
  auto source = std::unique_ptr<LocalEvaluatorSource>(new LocalEvaluatorSource());  // private
  std::vector<std::string> known;
  for (const std::string& name : backends) {
    KS_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend, OpenBackend(name));
    known.push_back(name);
    if (!devices.empty() && std::find(devices.begin(), devices.end(), name) == devices.end()) {
      continue;
    }
    // Checks of CPU kernels run beside a timing on other cores; on other devices they would
    // disturb it.
    ShareLease(source->backends_, *backend);
    source->devices_.push_back({name, name, backend->machine(), name != "cpu"});
    source->backends_.push_back(std::move(backend));
  }
  for (const std::string& device : devices) {
    if (std::find(known.begin(), known.end(), device) != known.end()) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("there is no device '{}' (known: {})", device, Join(known, ", "))};
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

}  // namespace ks
