#include "cli/search_target.h"

#include <fmt/format.h>

#include <utility>

#include "cli/wiring.h"

namespace ks {

Result<Task> OpenSearchTask(const std::string& name_or_path, const std::string& backend,
                            const std::vector<std::string>& seed_files) {
  if (backend == kTorchBackend) return OpenModuleTask(name_or_path, seed_files);
  if (seed_files.empty()) return OpenTask(name_or_path);
  return Error{ErrorCode::kInvalidArgument,
               "--seed-file is for PyTorch modules; the seed of a task is in its folder"};
}

Result<std::unique_ptr<SearchTarget>> OpenSearchTarget(Task task, const RunConfig& config,
                                                       const RemoteService& service,
                                                       ModuleDevices* modules,
                                                       std::stop_token stop) {
  auto target = std::make_unique<SearchTarget>();
  if (config.backend == kTorchBackend) {
    if (!service.url.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "PyTorch modules are evaluated on this machine only: leave --evaluator out"};
    }
    target->task = std::move(task);
    KS_ASSIGN_OR_RETURN(TimedModules timed,
                        OpenTimedModules(target->task, config.evaluation, config.device,
                                         config.in_flight, modules, std::move(stop)));
    target->hosts = std::move(timed.hosts);
    target->backend = std::move(timed.backend);
    target->evaluator = std::move(timed.evaluator);
  } else if (service.url.empty()) {
    KS_ASSIGN_OR_RETURN(target->backend, OpenBackend(config.backend, config.device));
    target->task = ForDeviceClass(task, target->backend->device_class());
    target->evaluator = MakeEvaluator(target->task, *target->backend, config.evaluation);
  } else {  // the service takes the workloads of its device; the task goes there as it is
    target->task = std::move(task);
    KS_ASSIGN_OR_RETURN(target->evaluator,
                        ConnectEvaluator(target->task, config.backend, config.evaluation, service,
                                         std::move(stop)));
  }
  if (target->task.FindSeed(config.backend) == nullptr) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("task '{}' has no seed for backend '{}'",
                                                          target->task.name, config.backend)};
  }
  return target;
}

}  // namespace ks
