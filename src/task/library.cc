#include "task/library.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "task/embedded.h"
#include "task/loader.h"

namespace ks {

TaskLibrary::TaskLibrary() {
  for (const EmbeddedFile& file : EmbeddedTaskFiles()) {
    const std::string path = std::string(file.path);
    KS_CHECK(files_.WriteAtomically("/" + path, file.text).ok());
    const size_t slash = path.find('/');
    if (path.substr(slash + 1) == "task.toml") names_.push_back(path.substr(0, slash));
  }
  std::sort(names_.begin(), names_.end());
}

Result<Task> TaskLibrary::Load(const std::string& name) const {
  if (!std::binary_search(names_.begin(), names_.end(), name)) {
    const std::string near = NearestName(name, names_);
    return Error{ErrorCode::kNotFound,
                 fmt::format("no task '{}'; {}", name,
                             near.empty() ? "the library has " + Join(names_, ", ")
                                          : "did you mean '" + near + "'?")};
  }
  KS_ASSIGN_OR_RETURN(Task task, LoadTask(files_, "/" + name));
  task.origin = "embedded";
  return task;
}

Result<Task> TaskLibrary::Find(const FileSystem& files, const std::string& name_or_folder) const {
  const bool is_path = name_or_folder.find('/') != std::string::npos || name_or_folder == ".";
  const bool embedded = std::binary_search(names_.begin(), names_.end(), name_or_folder);
  if (is_path || (!embedded && files.IsFile(name_or_folder + "/task.toml"))) {
    return LoadTask(files, name_or_folder);
  }
  return Load(name_or_folder);
}

}  // namespace ks
