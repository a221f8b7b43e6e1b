#include "cli/local_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/wiring.h"

namespace ks {

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

Result<std::unique_ptr<Evaluator>> LocalEvaluatorSource::Make(const Task& task, size_t device,
                                                              const EvaluationConfig& config) {
  return MakeEvaluator(task, *backends_[device], config);
}

}  // namespace ks
