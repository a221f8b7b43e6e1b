// Hostile programs in child processes: what they may see and use, and how they end.
//
// A process runs in its own user, mount, pid, net, ipc and uts namespaces, on a private read-only
// root (the host's /usr and /lib, three devices, nothing else), as user 65534, without
// capabilities, under a seccomp filter and resource limits. When it ends, everything it started
// has ended, and it leaves no file. docs/measurement.md lists what each layer is for.
#ifndef KS_SANDBOX_SANDBOX_H_
#define KS_SANDBOX_SANDBOX_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/seccomp_filter.h"
#include "sandbox/unique_fd.h"

namespace ks {

// A host folder or file shown inside at an absolute path.
struct SandboxMount {
  std::string host;
  std::string inside;
  bool writable = false;
};

// A file made on the private root (or in /tmp) before the program starts.
struct SandboxFile {
  std::string inside;      // absolute
  std::string_view bytes;  // must live until Start returns
};

// 0 = no limit.
struct SandboxLimits {
  int64_t address_space_bytes = 0;
  int64_t cpu_s = 0;
  int64_t file_bytes = 0;
  int64_t processes = 0;  // and threads
  int64_t open_files = 64;
  int64_t stack_bytes = 0;
};

struct SandboxSpec {
  std::vector<std::string> argv;  // argv[0] is the absolute path inside unless exec_fd is given
  std::vector<std::string> env;   // "NAME=value"; nothing is inherited
  std::string working_dir = "/";
  int exec_fd = -1;  // an executable file to run instead of argv[0]
  std::vector<SandboxMount> mounts;
  std::vector<SandboxFile> files;
  int64_t tmp_bytes = 0;        // size of a writable /tmp; 0: none
  bool tmp_executable = false;  // code in /tmp may be run: for compilers that load what they make
  std::vector<std::string> devices;  // nodes of /dev beside the usual three: "/dev/nvidia0"
  bool processes_listed = false;     // a /proc of its own processes alone: a GPU's driver reads it
  std::vector<int> fds;              // become 3, 4, ... inside
  bool capture_output = false;       // else stdout and stderr are /dev/null
  SandboxLimits limits;
  std::vector<int> cores;        // empty: as the parent
  bool fixed_addresses = false;  // no address space randomisation
  SeccompProfile profile = SeccompProfile::kCompile;
};

// How a process ended.
struct SandboxExit {
  bool timed_out = false;
  bool flooded = false;  // killed for printing more than kMaxOutputBytes
  int code = -1;         // exit status when it exited
  int signal = 0;        // when a signal ended it
  std::string out, err;  // at most kKeptOutputBytes each
  double cpu_s = 0;      // with its waited-for children
  int64_t peak_rss_bytes = 0;
};

inline constexpr size_t kKeptOutputBytes = 256u << 10;
inline constexpr size_t kMaxOutputBytes = 64u << 20;

// A running (or ended) process; it is pid 1 of its namespace, so its end is the end of all. The
// destructor kills and reaps. Thread-compatible.
class SandboxProcess {
 public:
  SandboxProcess(pid_t pid, UniqueFd pidfd, UniqueFd out, UniqueFd err);
  ~SandboxProcess();
  SandboxProcess(const SandboxProcess&) = delete;
  SandboxProcess& operator=(const SandboxProcess&) = delete;

  pid_t pid() const { return pid_; }  // as this process sees it
  // Waits for the end, collecting output; kills after `timeout_s` (then timed_out is set). ERRORS:
  // kCancelled after `stop` (killed and reaped then).
  Result<SandboxExit> Wait(double timeout_s, std::stop_token stop);
  // True once it has ended, waiting for that at most `timeout_ms`; does not collect output.
  bool HasEnded(int timeout_ms) const;
  // Kills everything inside. Fine when it has ended.
  void Kill();

 private:
  class Output;
  void Reap(SandboxExit* exit);

  const pid_t pid_;
  const UniqueFd pidfd_;
  UniqueFd out_, err_;
  bool reaped_ = false;
  SandboxExit last_;
};

// Starts processes. They die with the Sandbox and with this process, not with the thread that
// called Start. Thread-safe.
class Sandbox {
 public:
  // Tries one start, so that a machine which cannot isolate is known early. ERRORS:
  // kFailedPrecondition with the layer that failed and how to mend it.
  static Result<std::unique_ptr<Sandbox>> Create();
  ~Sandbox();

  // Returns after the exec. ERRORS: kFailedPrecondition (a layer or the program is not available),
  // kResourceExhausted (processes, descriptors, memory), kInvalidArgument (too many binds or fds).
  Result<std::unique_ptr<SandboxProcess>> Start(const SandboxSpec& spec) const;
  // False: running as root on a machine without user namespaces.
  bool uses_user_namespace() const;

 private:
  struct State;
  explicit Sandbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// One layer of the isolation on this machine, for `doctor`.
struct SandboxLayer {
  std::string name;
  bool ok = false;
  std::string detail;  // what was seen, or why not
  std::string mend;    // what to do; empty when ok
};
std::vector<SandboxLayer> ProbeSandbox();

}  // namespace ks

#endif  // KS_SANDBOX_SANDBOX_H_
