#include "sandbox/launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/file.h"

namespace ks {
namespace {

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> NewPipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrnoError(errno, "pipe for a sandboxed process");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

bool IsFolder(const std::string& path) {
  struct stat info = {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Owns what a ChildPlan points at.
class PlanBuilder {
 public:
  PlanBuilder(const SandboxSpec& spec, const LaunchSettings& settings)
      : spec_(spec), settings_(settings), argv_(Pointers(spec.argv)), env_(Pointers(spec.env)) {}

  // `stdio`: what becomes 0, 1 and 2. ERRORS: kInvalidArgument.
  Status Build(const std::array<int, 3>& stdio) {
    for (const SandboxMount& mount : settings_.root.mounts) AddBind(mount, false);
    for (const SandboxMount& mount : spec_.mounts) AddBind(mount, false);
    for (const auto* devices : {&settings_.root.devices, &spec_.devices}) {
      for (const std::string& device : *devices) AddBind({device, device, false}, true);
    }
    if (spec_.processes_listed) AddFolder("/proc");
    for (const auto& [inside, target] : settings_.root.links) {
      links_.push_back({Relative(inside), target.c_str()});
    }
    for (const SandboxFile& file : spec_.files) {
      AddFolder(Parent(file.inside));
      files_.push_back({Relative(file.inside), {file.bytes.data(), file.bytes.size()}, 0644});
    }
    fds_.assign(stdio.begin(), stdio.end());
    fds_.insert(fds_.end(), spec_.fds.begin(), spec_.fds.end());
    if (binds_.size() > kMaxBinds || fds_.size() > kMaxPassedFds) {
      return Error{ErrorCode::kInvalidArgument, "too many mounts or descriptors for a sandbox"};
    }
    AddLimits();
    FillPlan();
    return {};
  }
  ChildPlan& plan() { return plan_; }

 private:
  // Strings live in a set, whose elements do not move.
  const char* Keep(std::string text) { return kept_.insert(std::move(text)).first->c_str(); }
  const char* Relative(const std::string& inside) {
    return Keep(inside.starts_with('/') ? inside.substr(1) : inside);
  }
  static std::string Parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

  void AddFolder(const std::string& folder) {
    if (folder.empty() || std::find(made_.begin(), made_.end(), folder) != made_.end()) return;
    AddFolder(Parent(folder));
    made_.push_back(folder);
    folders_.push_back(Relative(folder));
  }

  void AddBind(const SandboxMount& mount, bool device) {
    const bool folder = !device && IsFolder(mount.host);
    AddFolder(folder ? mount.inside : Parent(mount.inside));
    binds_.push_back({Keep(mount.host), Relative(mount.inside), mount.writable, device, folder});
  }

  void AddLimit(int resource, int64_t value) {
    if (value > 0) limits_.push_back({resource, static_cast<uint64_t>(value)});
  }

  void AddLimits() {
    limits_.push_back({RLIMIT_CORE, 0});
    limits_.push_back({RLIMIT_MEMLOCK, 0});
    limits_.push_back({RLIMIT_MSGQUEUE, 0});
    AddLimit(RLIMIT_AS, spec_.limits.address_space_bytes);
    AddLimit(RLIMIT_CPU, spec_.limits.cpu_s);
    AddLimit(RLIMIT_FSIZE, spec_.limits.file_bytes);
    AddLimit(RLIMIT_NPROC, spec_.limits.processes);
    AddLimit(RLIMIT_NOFILE, spec_.limits.open_files);
    AddLimit(RLIMIT_STACK, spec_.limits.stack_bytes);
  }

  const FilterProgram& FilterFor(SeccompProfile profile) const {
    if (profile == SeccompProfile::kCompile) return settings_.compile_filter;
    return profile == SeccompProfile::kRunner ? settings_.runner_filter : settings_.device_filter;
  }

  void FillPlan() {
    root_options_ = fmt::format("mode=0755,nr_inodes=4096,size={}", RootBytes());
    tmp_options_ = fmt::format("mode=1777,nr_inodes=4096,size={}", spec_.tmp_bytes);
    plan_.argv = argv_.data();
    plan_.env = env_.data();
    plan_.exec_path = spec_.argv.front().c_str();
    plan_.exec_fd = spec_.exec_fd;
    plan_.working_dir = spec_.working_dir.c_str();
    plan_.folders = folders_;
    plan_.links = links_;
    plan_.binds = binds_;
    plan_.files = files_;
    plan_.root_options = root_options_.c_str();
    plan_.tmp_options = spec_.tmp_bytes > 0 ? tmp_options_.c_str() : nullptr;
    plan_.tmp_executable = spec_.tmp_executable;
    plan_.processes_listed = spec_.processes_listed;
    plan_.passed_fds = fds_;
    plan_.limits = limits_;
    CPU_ZERO(&cores_);
    for (const int core : spec_.cores) CPU_SET(static_cast<size_t>(core), &cores_);
    plan_.cores = spec_.cores.empty() ? nullptr : &cores_;
    plan_.fixed_addresses = spec_.fixed_addresses;
    plan_.user_namespace = settings_.user_namespace;
    plan_.last_capability = settings_.last_capability;
    const FilterProgram& filter = FilterFor(spec_.profile);
    plan_.filter = {static_cast<unsigned short>(filter.size()),
                    const_cast<sock_filter*>(filter.data())};
  }

  size_t RootBytes() const {
    size_t bytes = 1u << 20;
    for (const SandboxFile& file : spec_.files) bytes += file.bytes.size() + 8192;
    return bytes;
  }

  const SandboxSpec& spec_;
  const LaunchSettings& settings_;
  std::vector<char*> argv_, env_;
  std::set<std::string> kept_;
  std::vector<std::string> made_;
  std::vector<const char*> folders_;
  std::vector<ChildLink> links_;
  std::vector<ChildBind> binds_;
  std::vector<ChildFile> files_;
  std::vector<ChildLimit> limits_;
  std::vector<int> fds_;
  std::string root_options_, tmp_options_;
  cpu_set_t cores_ = {};
  ChildPlan plan_;
};

struct Cloned {
  pid_t pid = -1;
  int pidfd = -1;
  int error_number = 0;
};

Cloned CloneChild(const ChildPlan& plan) {
  Cloned cloned;
  clone_args arguments = {};
  arguments.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
                    CLONE_NEWIPC | CLONE_NEWUTS;
  if (plan.user_namespace) arguments.flags |= CLONE_NEWUSER;
  arguments.pidfd = reinterpret_cast<uint64_t>(&cloned.pidfd);
  arguments.exit_signal = SIGCHLD;
  const long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) RunChild(plan);
  cloned.pid = static_cast<pid_t>(pid);
  cloned.error_number = errno;
  return cloned;
}

Status WriteProcFile(pid_t pid, const char* name, const std::string& text) {
  const std::string path = fmt::format("/proc/{}/{}", pid, name);
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() ||
      write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ErrnoError(errno, "writing " + std::string(name) + " of a sandboxed process");
  }
  return {};
}

// Inside, only user and group 65534 exist. Outside they are 65534 too when we are root, else us.
Status WriteIdMaps(pid_t pid) {
  const bool root = geteuid() == 0;
  if (!root) KS_RETURN_IF_ERROR(WriteProcFile(pid, "setgroups", "deny"));
  const auto line = [&](unsigned outside) { return fmt::format("{} {} 1", kNobody, outside); };
  KS_RETURN_IF_ERROR(WriteProcFile(pid, "gid_map", line(root ? kNobody : getegid())));
  return WriteProcFile(pid, "uid_map", line(root ? kNobody : geteuid()));
}

// Blocks until the exec or the first failed step.
Status AwaitExec(int status_fd, const ChildPlan& plan) {
  ChildFailure failure;
  ssize_t n = 0;
  do {
    n = read(status_fd, &failure, sizeof failure);
  } while (n < 0 && errno == EINTR);
  if (n == 0) return {};
  if (n != sizeof failure) return Error{ErrorCode::kInternal, "a sandboxed process was lost"};
  std::string what = ChildStepName(failure.step);
  const size_t index = static_cast<size_t>(std::max(failure.index, 0));
  if (failure.step == ChildStep::kExec) what += fmt::format(" {}", plan.argv[0]);
  const bool of_bind = failure.step == ChildStep::kBindSource ||
                       failure.step == ChildStep::kBindOptions ||
                       failure.step == ChildStep::kBindTarget;
  if (of_bind && index < plan.binds.size()) what += fmt::format(" {}", plan.binds[index].host);
  if (failure.step == ChildStep::kFile && index < plan.files.size()) {
    what += fmt::format(" {}", plan.files[index].inside);
  }
  Error error = ErrnoError(failure.error_number, "sandbox: " + what);
  if (error.code != ErrorCode::kResourceExhausted) error.code = ErrorCode::kFailedPrecondition;
  return error;
}

struct Stdio {
  UniqueFd null;
  Pipe out, err;
};

Result<Stdio> OpenStdio(bool capture) {
  Stdio stdio;
  stdio.null.Reset(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!stdio.null.valid()) return ErrnoError(errno, "cannot open /dev/null");
  if (capture) {
    KS_ASSIGN_OR_RETURN(stdio.out, NewPipe());
    KS_ASSIGN_OR_RETURN(stdio.err, NewPipe());
  }
  return stdio;
}

}  // namespace

SystemRoot FindSystemRoot() {
  SystemRoot root;
  for (const char* folder : {"/usr", "/lib", "/lib64", "/lib32", "/libx32", "/bin", "/sbin"}) {
    struct stat info = {};
    if (lstat(folder, &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) root.mounts.push_back({folder, folder, false});
    char target[256];
    const ssize_t length = S_ISLNK(info.st_mode) ? readlink(folder, target, sizeof target) : -1;
    if (length > 0)
      root.links.emplace_back(folder, std::string(target, static_cast<size_t>(length)));
  }
  for (const char* path : {"/etc/alternatives", "/etc/ld.so.cache"}) {
    if (access(path, R_OK) == 0) root.mounts.push_back({path, path, false});
  }
  root.devices = {"/dev/null", "/dev/zero", "/dev/urandom"};
  return root;
}

CloneThread::CloneThread() : thread_([this] { Loop(); }) {}

CloneThread::~CloneThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void CloneThread::Run(const std::function<void()>& job) {
  std::unique_lock lock(mutex_);
  bool done = false;
  jobs_.emplace_back([&] {
    job();
    const std::lock_guard inner(mutex_);
    done = true;
  });
  changed_.notify_all();
  changed_.wait(lock, [&] { return done; });
}

void CloneThread::Loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
    changed_.notify_all();
  }
}

Result<std::unique_ptr<SandboxProcess>> Launch(const SandboxSpec& spec,
                                               const LaunchSettings& settings,
                                               CloneThread& thread) {
  KS_CHECK(!spec.argv.empty());
  KS_ASSIGN_OR_RETURN(Stdio stdio, OpenStdio(spec.capture_output));
  KS_ASSIGN_OR_RETURN(Pipe go, NewPipe());
  KS_ASSIGN_OR_RETURN(Pipe status, NewPipe());
  PlanBuilder builder(spec, settings);
  const int null = stdio.null.get();
  KS_RETURN_IF_ERROR(builder.Build({null, spec.capture_output ? stdio.out.write.get() : null,
                                    spec.capture_output ? stdio.err.write.get() : null}));
  builder.plan().go_fd = go.read.get();
  builder.plan().status_fd = status.write.get();
  Cloned cloned;
  thread.Run([&] { cloned = CloneChild(builder.plan()); });
  if (cloned.pid < 0) {
    const bool refused = cloned.error_number == EPERM || cloned.error_number == ENOSYS;
    Error error = ErrnoError(cloned.error_number, "sandbox: creating namespaces");
    if (refused) error.code = ErrorCode::kFailedPrecondition;
    return error;
  }
  go.read.Reset();
  status.write.Reset();
  stdio.out.write.Reset();
  stdio.err.write.Reset();
  auto process = std::make_unique<SandboxProcess>(
      cloned.pid, UniqueFd(cloned.pidfd), std::move(stdio.out.read), std::move(stdio.err.read));
  if (settings.user_namespace) KS_RETURN_IF_ERROR(WriteIdMaps(cloned.pid));
  if (write(go.write.get(), "g", 1) != 1) {
    return Error{ErrorCode::kInternal, "a sandboxed process was lost before its start"};
  }
  KS_RETURN_IF_ERROR(AwaitExec(status.read.get(), builder.plan()));
  return process;
}

}  // namespace ks
