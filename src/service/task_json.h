// A task on the wire, so that a service can judge kernels of tasks it has never heard of.
#ifndef KS_SERVICE_TASK_JSON_H_
#define KS_SERVICE_TASK_JSON_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "core/task.h"

namespace ks {

// Everything of the task but its origin: docs/service_api.md.
nlohmann::json TaskToJson(const Task& task);
// A task that is as valid as one from a folder. ERRORS: kInvalidArgument with the field, or when
// `hash` is not the hash of what came (another version of kernelsmith).
Result<Task> TaskFromJson(const nlohmann::json& json, const std::string& path);

}  // namespace ks

#endif  // KS_SERVICE_TASK_JSON_H_
