// The files of tasks/, generated into embedded.cc at build time.
#ifndef KS_TASK_EMBEDDED_H_
#define KS_TASK_EMBEDDED_H_

#include <span>
#include <string_view>

namespace ks {

struct EmbeddedFile {
  std::string_view path;  // relative to tasks/
  std::string_view text;
};

std::span<const EmbeddedFile> EmbeddedTaskFiles();

}  // namespace ks

#endif  // KS_TASK_EMBEDDED_H_
