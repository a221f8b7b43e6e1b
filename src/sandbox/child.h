// What happens between clone and exec, in the child of a multi-threaded process.
//
// Everything here is async-signal-safe: no allocation, no locks, no C++ runtime. All strings and
// programs are prepared by the parent (launcher.cc) and only pointed at.
#ifndef KS_SANDBOX_CHILD_H_
#define KS_SANDBOX_CHILD_H_

#include <linux/filter.h>
#include <sched.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace ks {

inline constexpr unsigned kNobody = 65534;
inline constexpr size_t kMaxBinds = 32;
inline constexpr size_t kMaxPassedFds = 16;

struct ChildBind {
  const char* host = nullptr;
  const char* inside = nullptr;  // relative to the new root: "usr"
  bool writable = false;
  bool device = false;
  bool folder = true;
};

struct ChildFile {
  const char* inside = nullptr;  // relative to the new root
  std::span<const char> bytes;
  mode_t mode = 0644;
};

struct ChildLink {
  const char* inside = nullptr;
  const char* target = nullptr;
};

struct ChildLimit {
  int resource = 0;
  uint64_t value = 0;
};

// Pointers stay valid until the exec.
struct ChildPlan {
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* exec_path = nullptr;  // used when exec_fd is -1
  int exec_fd = -1;
  const char* working_dir = "/";
  std::span<const char* const> folders;  // made in this order, relative to the new root
  std::span<const ChildLink> links;
  std::span<const ChildBind> binds;  // at most kMaxBinds
  std::span<const ChildFile> files;
  const char* root_options = nullptr;  // of the tmpfs
  const char* tmp_options = nullptr;   // of /tmp; null: no writable /tmp
  bool tmp_executable = false;
  bool processes_listed = false;    // /proc; its folder is among `folders`
  std::span<const int> passed_fds;  // become 0, 1, 2, 3...; at most kMaxPassedFds
  std::span<const ChildLimit> limits;
  const cpu_set_t* cores = nullptr;
  bool fixed_addresses = false;
  bool user_namespace = true;
  int last_capability = 40;
  sock_fprog filter = {};
  int go_fd = -1;      // one byte: the id maps are written; hang-up: the parent is gone
  int status_fd = -1;  // a ChildFailure, or closed by the exec
};

enum class ChildStep : int32_t {
  kFds,
  kWaitForParent,
  kIds,
  kPrivateMounts,
  kBindSource,
  kBindOptions,
  kRootFs,
  kTmpFs,
  kProcFs,
  kFolder,
  kLink,
  kFile,
  kBindTarget,
  kPivot,
  kReadOnlyRoot,
  kLimits,
  kCores,
  kCapabilities,
  kNoNewPrivileges,
  kDieWithParent,
  kSeccomp,
  kExec,
};
const char* ChildStepName(ChildStep step);

struct ChildFailure {
  ChildStep step = ChildStep::kFds;
  int32_t error_number = 0;
  int32_t index = -1;  // of the bind, file, ... when the step has several
};

// Sets the sandbox up and executes the program. Reports a failed step through status_fd.
[[noreturn]] void RunChild(const ChildPlan& plan);

}  // namespace ks

#endif  // KS_SANDBOX_CHILD_H_
