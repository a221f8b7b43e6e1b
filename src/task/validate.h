// What a task file must satisfy beyond its syntax.
#ifndef KS_TASK_VALIDATE_H_
#define KS_TASK_VALIDATE_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "core/task.h"
#include "task/toml_tree.h"

namespace ks {

// Where the parts of a task stand in its file; parallel to the vectors of the Task.
struct TaskPositions {
  TomlPosition head;
  TomlPosition cost;
  std::vector<TomlPosition> inputs;
  std::vector<TomlPosition> outputs;
  std::vector<TomlPosition> workloads;
};

// Names, extents, costs, fills, sizes, roles. ERRORS: kInvalidArgument, with the position.
Status ValidateTask(const Task& task, const TaskPositions& positions, const std::string& file);

}  // namespace ks

#endif  // KS_TASK_VALIDATE_H_
