// What a search or a final verdict is about: a task on its device, and who judges there.
#ifndef KS_CLI_SEARCH_TARGET_H_
#define KS_CLI_SEARCH_TARGET_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "cli/modules.h"
#include "cli/options.h"
#include "core/config.h"
#include "core/evaluator.h"
#include "core/task.h"

namespace ks {

// Members are destroyed in reverse order: the evaluator refers to the others.
struct SearchTarget {
  Task task;                           // with the workloads of the device's class
  std::shared_ptr<ModuleHosts> hosts;  // of modules
  std::unique_ptr<Backend> backend;    // null: a service evaluates
  std::unique_ptr<Evaluator> evaluator;
};

// What `evolve` and `bench` search: a task by its name or folder, a PyTorch module by its file.
// `seed_files`: further starts of a module. ERRORS: as OpenTask and OpenModuleTask.
Result<Task> OpenSearchTask(const std::string& name_or_path, const std::string& backend,
                            const std::vector<std::string>& seed_files = {});

// `task` on the backend and device of `config`, judged here or by `service`. The seed is there.
// `modules`: what searches of modules share; may be null. ERRORS: kInvalidArgument (no seed for the
// backend); those of OpenBackend and ConnectEvaluator.
Result<std::unique_ptr<SearchTarget>> OpenSearchTarget(Task task, const RunConfig& config,
                                                       const RemoteService& service,
                                                       ModuleDevices* modules,
                                                       std::stop_token stop);

}  // namespace ks

#endif  // KS_CLI_SEARCH_TARGET_H_
