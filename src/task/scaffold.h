// A new task folder to start from: small, complete, and admitted by the gate as it is.
#ifndef KS_TASK_SCAFFOLD_H_
#define KS_TASK_SCAFFOLD_H_

#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ks {

// Writes task.toml, reference.cc and seed.cc for a scaled residual add called `name` into `dir`.
// ERRORS: kInvalidArgument: `name` is no usable name; kFailedPrecondition: `dir` is there and not
// empty; those of FileSystem.
Status WriteScaffold(FileSystem& files, const std::string& dir, const std::string& name);

}  // namespace ks

#endif  // KS_TASK_SCAFFOLD_H_
