#include "cli/python_child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "backend/triton/worker_files.h"
#include "base/file.h"
#include "sandbox/unique_fd.h"

namespace ks {
namespace {

constexpr size_t kMostOutputBytes = size_t{16} << 20;
constexpr int kPollMs = 100;

// A new folder with the package, removed at the end.
class PackageFolder {
 public:
  static Result<PackageFolder> Make() {
    const char* parent = std::getenv("TMPDIR");
    std::string path = fmt::format("{}/ksmith-python-XXXXXX", parent != nullptr ? parent : "/tmp");
    if (mkdtemp(path.data()) == nullptr) return ErrnoError(errno, "folder for Python: " + path);
    PackageFolder folder(path);
    PosixFileSystem files;
    for (const auto& [name, text] : WorkerFiles()) {
      const std::string file = fmt::format("{}/kernelsmith/{}", path, name);
      KS_RETURN_IF_ERROR(files.MakeDirs(file.substr(0, file.rfind('/'))));
      KS_RETURN_IF_ERROR(files.WriteAtomically(file, text));
    }
    return folder;
  }
  ~PackageFolder() {
    // What stays behind in the temporary folder harms nobody.
    if (!path_.empty()) (void)PosixFileSystem().RemoveAll(path_);
  }
  PackageFolder(PackageFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  PackageFolder& operator=(PackageFolder&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit PackageFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Starts the program in a process group of its own; its standard output goes to `out`.
Result<pid_t> StartPython(std::vector<std::string> words, int out) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);  // ours blocks what ends a child
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int problem =
      posix_spawn(&pid, words[0].c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{}: {}", words[0], ErrnoError(problem, "start").message)};
  }
  return pid;
}

// Whether the child has ended; it stays to be waited for.
bool HasEnded(pid_t pid) {
  siginfo_t info = {};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         info.si_pid == pid;
}

// All that it says until it closes its output, or ends and nothing more has come.
Result<std::string> Listen(pid_t pid, int fd, std::chrono::milliseconds timeout,
                           const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + timeout;
  std::string text;
  for (;;) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
    if (Clock::now() > deadline) {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("Python takes longer than {} s", timeout.count() / 1000)};
    }
    const bool ended = HasEnded(pid);  // what it said before lies in the pipe
    pollfd ready = {fd, POLLIN, 0};
    const int count = poll(&ready, 1, ended ? 0 : kPollMs);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0 && ended) return text;
    if (count == 0) continue;
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kMostOutputBytes) {
      return Error{ErrorCode::kResourceExhausted,
                   fmt::format("Python says more than {} bytes", kMostOutputBytes)};
    }
  }
}

}  // namespace

Result<PythonAnswer> RunPythonModule(const std::string& interpreter, const std::string& module,
                                     const std::vector<std::string>& arguments,
                                     std::chrono::milliseconds timeout, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const PackageFolder folder, PackageFolder::Make());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoError(errno, "pipe for Python");
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  std::vector<std::string> words = {
      interpreter,
      "-I",
      "-B",
      "-c",
      fmt::format("import sys; sys.path.insert(0, sys.argv.pop(1)); from {} import main; "
                  "sys.exit(main())",
                  module),
      folder.path()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  KS_ASSIGN_OR_RETURN(const pid_t pid, StartPython(std::move(words), writing.get()));
  writing.Reset();
  Result<std::string> text = Listen(pid, reading.get(), timeout, stop);
  // It may have closed its output and go on; then its status is what it ends with.
  const auto until = std::chrono::steady_clock::now() + timeout;
  while (text.ok() && !HasEnded(pid)) {
    if (stop.stop_requested()) {
      text = Error{ErrorCode::kCancelled, "stopped"};
    } else if (std::chrono::steady_clock::now() > until) {
      text = Error{ErrorCode::kUnavailable, "Python closes its output and does not end"};
    } else {
      poll(nullptr, 0, kPollMs);
    }
  }
  // The group, while the child that has not been waited for keeps its number: compile workers
  // outlive it.
  kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text.ok()) return text.error();
  return PythonAnswer{WIFEXITED(status) ? WEXITSTATUS(status) : -1, *std::move(text)};
}

}  // namespace ks
