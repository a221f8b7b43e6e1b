// Task folders: task.toml, a reference and seed kernels, read into a Task (docs/task_format.md).
#ifndef KS_TASK_LOADER_H_
#define KS_TASK_LOADER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "core/task.h"

namespace ks {

// Inputs and outputs of one workload together, in the declared element types; the second for
// workloads with on = "gpu".
inline constexpr int64_t kMaxWorkloadBytes = int64_t{256} << 20;
inline constexpr int64_t kMaxGpuWorkloadBytes = int64_t{4} << 30;

// Reads and validates the task in folder `dir` of `files`. The result's origin is `dir`.
// ERRORS: kNotFound: no task.toml, or a file that it names is missing; kInvalidArgument:
// "path:line:column: what is wrong and what was expected".
Result<Task> LoadTask(const FileSystem& files, const std::string& dir);

// SHA-256 over everything that decides a verdict or a speed-up: contract, workloads, tolerance,
// costs, reference and seeds; not the summary, the origin or names of files.
std::string TaskHash(const Task& task);

// True for a C identifier that is no C++ keyword and not reserved.
bool IsUsableName(std::string_view name);

}  // namespace ks

#endif  // KS_TASK_LOADER_H_
