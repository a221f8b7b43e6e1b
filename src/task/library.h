// The task library: tasks that are part of the binary, and look-up of those in folders.
#ifndef KS_TASK_LIBRARY_H_
#define KS_TASK_LIBRARY_H_

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "core/task.h"

namespace ks {

// Immutable after construction, then thread-safe. Holds the files of tasks/ as they were when the
// binary was built.
class TaskLibrary {
 public:
  TaskLibrary();

  // Sorted.
  const std::vector<std::string>& names() const { return names_; }
  // The embedded task `name`; its origin is "embedded". ERRORS: kNotFound with a did-you-mean hint.
  Result<Task> Load(const std::string& name) const;
  // What a user typed: a folder of `files` when it has a '/' or holds a task.toml and is no library
  // name; else a library name. ERRORS: as Load and LoadTask.
  Result<Task> Find(const FileSystem& files, const std::string& name_or_folder) const;

 private:
  MemoryFileSystem files_;
  std::vector<std::string> names_;
};

}  // namespace ks

#endif  // KS_TASK_LIBRARY_H_
