// What `ksmith compare` has to do: which configurations, on which tasks, in which order.
#ifndef KS_CLI_COMPARE_PLAN_H_
#define KS_CLI_COMPARE_PLAN_H_

#include <string>
#include <vector>

#include "cli/options.h"
#include "core/task.h"
#include "report/compare.h"

namespace ks {

// A task by its name, and what to open it by.
struct NamedTask {
  std::string name;
  std::string opened_by;
};
// `arguments`: names and folders; none or "all": all of the library with a seed for the backend.
// ERRORS: kInvalidArgument (no seed for the backend, a task named twice), kNotFound.
Result<std::vector<NamedTask>> NamedTasks(const std::vector<std::string>& arguments,
                                          const std::string& backend);

struct PlannedRun {
  ComparedConfig config;
  std::string task;       // its name
  EvolveOptions options;  // a new run in its own folder
};

struct ComparePlan {
  std::vector<ComparedConfig> configs;
  std::vector<std::string> tasks;  // names
  std::vector<uint64_t> seeds;     // 1, 2, ...
  std::string budget;              // "40 steps"
  // Seed by seed, task by task, configuration by configuration: what disturbs the machine for a
  // while disturbs all alike.
  std::vector<PlannedRun> runs;
};

// What may not change while a folder is filled, as JSON: the budget, and what the names of
// configurations stand for. `earlier`: the folder's protocol, or empty for a new one; the result
// also holds what that had. ERRORS: kFailedPrecondition (another budget, or a name that meant
// something else), kDataLoss.
Result<std::string> ProtocolOf(const ComparePlan& plan, const std::string& earlier);

// ERRORS: kInvalidArgument (a configuration that cannot be read, two of one name, a task without
// seed for the backend); kNotFound.
Result<ComparePlan> PlanComparison(const CompareOptions& options);

}  // namespace ks

#endif  // KS_CLI_COMPARE_PLAN_H_
