#include "backend/device/profiled_call.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "backend/device/device_runner_image.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr double kCallTimeoutS = 120;  // every counter may cost a replay of every launch
constexpr double kEndTimeoutS = 60;
constexpr size_t kMostReportBytes = 16u << 20;
constexpr uint64_t kSalt = 0x9E3779B97F4A7C15ULL;

// A private folder, removed with what is in it.
class Folder {
 public:
  static Result<Folder> Make(const std::string& parent) {
    std::string path = (parent.empty() ? "/tmp" : parent) + "/ksmith-profile-XXXXXX";
    if (mkdtemp(path.data()) == nullptr) return ErrnoError(errno, "a folder " + path);
    return Folder(path);
  }
  ~Folder() {
    if (!path_.empty()) (void)PosixFileSystem().RemoveAll(path_);
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  Folder& operator=(Folder&&) = delete;
  std::string At(const char* name) const { return path_ + "/" + name; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The runner as a file that a profiler can start.
Status WriteRunner(const std::string& path) {
  KS_ASSIGN_OR_RETURN(const UniqueFd image, NewDeviceRunnerFile());
  std::string bytes;
  char buffer[1 << 16];
  for (off_t at = 0;;) {
    const ssize_t n = pread(image.get(), buffer, sizeof buffer, at);
    if (n < 0) return ErrnoError(errno, "reading the device runner");
    if (n == 0) break;
    bytes.append(buffer, static_cast<size_t>(n));
    at += n;
  }
  PosixFileSystem files;
  KS_RETURN_IF_ERROR(files.WriteAtomically(path, bytes));
  if (chmod(path.c_str(), 0700) != 0) return ErrnoError(errno, path);
  return {};
}

Status CallOnce(DeviceRunner& runner, const ProfiledCall& call, const std::stop_token& stop) {
  const auto unfit = [](const Outcome& outcome) {
    return Error{ErrorCode::kUnavailable,
                 "under the profiler: " + Shorten(OutcomeSummary(outcome), 300)};
  };
  KS_RETURN_IF_ERROR(runner.OpenTask(call.task));
  KS_RETURN_IF_ERROR(runner.SetContents(call.workload, SecretSeed(), call.inputs));
  KS_ASSIGN_OR_RETURN(const auto loaded, runner.Load(call.kernel, stop));
  const auto* program = std::get_if<LoadedProgram>(&loaded);
  if (program == nullptr) return unfit(std::get<Outcome>(loaded));
  KS_ASSIGN_OR_RETURN(const auto called,
                      runner.Call(program->handle, call.workload, kSalt, kCallTimeoutS, stop));
  if (const auto* fault = std::get_if<Outcome>(&called)) return unfit(*fault);
  return {};
}

}  // namespace

Result<std::string> ProfileOneCall(const ProfilerOptions& options, const ProfiledCall& call,
                                   std::stop_token stop) {
  if (options.program.empty()) {
    return Error{ErrorCode::kFailedPrecondition, "no profiler (ncu) was found"};
  }
  KS_ASSIGN_OR_RETURN(const Folder folder, Folder::Make(options.folder));
  const std::string runner_file = folder.At("ksmith-device-runner"), report = folder.At("report");
  KS_RETURN_IF_ERROR(WriteRunner(runner_file));
  DeviceRunnerOptions runner_options = options.runner;
  runner_options.sandbox = nullptr;
  runner_options.started_by = {
      options.program, "--csv",      "--page",     "raw",  "--print-units",      "base",
      "--metrics",     call.metrics, "--log-file", report, "--target-processes", "all",
      runner_file};
  KS_ASSIGN_OR_RETURN(const auto runner, DeviceRunnerProcess::Start(runner_options, stop));
  KS_RETURN_IF_ERROR(CallOnce(*runner, call, stop));
  KS_RETURN_IF_ERROR(runner->End(kEndTimeoutS));
  const auto text = PosixFileSystem().Read(report, kMostReportBytes);
  if (!text.ok()) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} wrote no report", options.program)};
  }
  return *text;
}

}  // namespace ks
