#include "backend/triton/python_env.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "backend/triton/worker_files.h"
#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxProbeBytes = 64u << 10;
constexpr double kProbeTimeoutS = 20;
constexpr std::pair<int64_t, int64_t> kOldestTorch = {2, 6};

Error NoPython(const std::string& python, const std::string& why) {
  return {ErrorCode::kFailedPrecondition,
          fmt::format("Python '{}': {}; name an interpreter in KSMITH_PYTHON", python, why)};
}

std::string FindProgram(const std::string& name, const std::string& search_path) {
  if (name.find('/') != std::string::npos) return name;
  for (const std::string_view folder : Split(search_path, ':')) {
    const std::string path = std::string(folder) + "/" + name;
    if (!folder.empty() && access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

// A child's standard output, read until it ends or time is up.
std::string ReadOutput(int fd, pid_t pid) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(kProbeTimeoutS);
  std::string text;
  while (text.size() < kMaxProbeBytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready = {fd, POLLIN, 0};
    if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) <= 0) {
      kill(pid, SIGKILL);
      break;
    }
    char buffer[4096];
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
  }
  return text;
}

}  // namespace

Result<PythonEnvironment> ParsePythonProbe(std::string_view text) {
  PythonEnvironment environment;
  for (const std::string_view line : Split(text, '\n')) {
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, blank);
    const std::string value(Trim(line.substr(blank + 1)));
    if (key == "executable") environment.executable = value;
    if (key == "python") environment.python_version = value;
    if (key == "triton") environment.triton_version = value;
    if (key == "torch") environment.torch_version = value;
    if (key == "folder" && value.starts_with('/')) environment.folders.push_back(value);
  }
  if (environment.executable.empty() || environment.python_version.empty()) {
    return Error{ErrorCode::kFailedPrecondition, "it does not answer as a Python 3.10 or newer"};
  }
  return environment;
}

Result<PythonEnvironment> ProbePython(const std::string& python, const std::string& search_path) {
  const std::string path = FindProgram(python, search_path);
  if (path.empty()) return NoPython(python, "not found");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoError(errno, "pipe for Python");
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::string script(WorkerFile("probe.py"));
  std::string words[] = {path, "-I", "-B", "-c", std::move(script)};
  std::string path_variable = "PATH=" + search_path;
  char* const argv[] = {words[0].data(), words[1].data(), words[2].data(),
                        words[3].data(), words[4].data(), nullptr};
  char* const env[] = {path_variable.data(), nullptr};
  pid_t pid = -1;
  const int problem = posix_spawn(&pid, path.c_str(), &actions, nullptr, argv, env);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return NoPython(python, ErrnoError(problem, "start").message);
  writing.Reset();
  const std::string text = ReadOutput(reading.get(), pid);
  int status = 0;
  waitpid(pid, &status, 0);
  Result<PythonEnvironment> environment = ParsePythonProbe(text);
  if (!environment.ok()) return NoPython(python, environment.error().message);
  return environment;
}

std::string TorchFault(const PythonEnvironment& environment) {
  const std::string mend = fmt::format(
      "install torch {}.{} or newer and numpy into it, or name another Python in KSMITH_PYTHON",
      kOldestTorch.first, kOldestTorch.second);
  if (environment.torch_version.empty()) {
    return fmt::format("no torch in {}: {}", environment.executable, mend);
  }
  const std::vector<std::string_view> parts = Split(environment.torch_version, '.');
  const std::optional<int64_t> major = ParseInt(parts[0]);
  const std::optional<int64_t> minor = parts.size() > 1 ? ParseInt(parts[1]) : std::nullopt;
  if (major && minor && std::pair(*major, *minor) < kOldestTorch) {
    return fmt::format("torch {} in {} is too old: {}", environment.torch_version,
                       environment.executable, mend);
  }
  return {};
}

std::vector<SandboxMount> PythonMounts(const PythonEnvironment& environment) {
  std::vector<std::string> folders = environment.folders;
  std::sort(folders.begin(), folders.end());  // a folder comes before what is in it
  std::vector<SandboxMount> mounts;
  for (const std::string& folder : folders) {
    const bool seen = folder == "/" || folder == "/usr" || folder.starts_with("/usr/") ||
                      std::any_of(mounts.begin(), mounts.end(), [&](const SandboxMount& mount) {
                        return folder == mount.host || folder.starts_with(mount.host + "/");
                      });
    if (!seen) mounts.push_back({folder, folder, false});
  }
  return mounts;
}

}  // namespace ks
