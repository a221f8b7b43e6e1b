#include "sandbox/child.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace ks {
namespace {

constexpr int kHighFds = 300;  // parking place while the low numbers are arranged

// The failing step ends the child; nothing below returns an error.
class Child {
 public:
  explicit Child(const ChildPlan& plan)
      : plan_(plan), go_fd_(plan.go_fd), status_fd_(plan.status_fd), exec_fd_(plan.exec_fd) {}

  [[noreturn]] void Run() {
    setsid();
    ArrangeFds();
    WaitForParent();
    VolunteerForOomKill();
    if (plan_.user_namespace) BecomeNobody();
    BuildRoot();
    EnterRoot();
    ApplyLimits();
    DropPrivileges();
    DieWithParent();
    ResetSignals();
    InstallFilter();
    Exec();
  }

 private:
  [[noreturn]] void Fail(ChildStep step, int index = -1) const {
    const ChildFailure failure = {step, errno, index};
    const ssize_t written = write(status_fd_, &failure, sizeof failure);
    _exit(written == sizeof failure ? 126 : 125);
  }
  void Must(bool condition, ChildStep step, int index = -1) const {
    if (!condition) Fail(step, index);
  }

  int Park(int fd) const {
    const int parked = fcntl(fd, F_DUPFD_CLOEXEC, kHighFds);
    Must(parked >= 0, ChildStep::kFds);
    return parked;
  }

  // passed_fds become 0.. ; go, status and exec follow directly; everything else is closed.
  void ArrangeFds() {
    int parked[kMaxPassedFds];
    const int count = static_cast<int>(plan_.passed_fds.size());
    for (int i = 0; i < count; ++i) parked[i] = Park(plan_.passed_fds[static_cast<size_t>(i)]);
    const int go = Park(go_fd_);
    const int status = Park(status_fd_);
    const int exec = exec_fd_ >= 0 ? Park(exec_fd_) : -1;
    for (int i = 0; i < count; ++i) Must(dup2(parked[i], i) == i, ChildStep::kFds, i);
    Must(dup3(status, count, O_CLOEXEC) == count, ChildStep::kFds);
    status_fd_ = count;
    Must(dup3(go, count + 1, O_CLOEXEC) == count + 1, ChildStep::kFds);
    go_fd_ = count + 1;
    if (exec >= 0) {
      Must(dup3(exec, count + 2, O_CLOEXEC) == count + 2, ChildStep::kFds);
      exec_fd_ = count + 2;
    }
    const int first_surplus = count + (exec >= 0 ? 3 : 2);
    Must(syscall(SYS_close_range, first_surplus, ~0U, 0) == 0, ChildStep::kFds);
  }

  void WaitForParent() const {
    char byte = 0;
    errno = 0;
    Must(read(go_fd_, &byte, 1) == 1, ChildStep::kWaitForParent);
  }

  // Best effort: memory hogs go first.
  void VolunteerForOomKill() const {
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const ssize_t written = write(fd, "1000", 4);
    close(fd);
  }

  void BecomeNobody() const {
    // Refused when an ordinary user owns the namespace (its groups cannot be dropped, only denied).
    syscall(SYS_setgroups, 0, nullptr);
    Must(syscall(SYS_setresgid, kNobody, kNobody, kNobody) == 0, ChildStep::kIds);
    Must(syscall(SYS_setresuid, kNobody, kNobody, kNobody) == 0, ChildStep::kIds);
  }

  int OpenBind(const ChildBind& bind, int index) const {
    const int fd =
        open_tree(AT_FDCWD, bind.host, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    Must(fd >= 0, ChildStep::kBindSource, index);
    mount_attr attributes = {};
    attributes.attr_set = MOUNT_ATTR_NOSUID;
    if (!bind.device) attributes.attr_set |= MOUNT_ATTR_NODEV;
    if (!bind.writable) attributes.attr_set |= MOUNT_ATTR_RDONLY;
    Must(mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof attributes) == 0,
         ChildStep::kBindOptions, index);
    return fd;
  }

  void BuildRoot() const {
    Must(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0,
         ChildStep::kPrivateMounts);
    int sources[kMaxBinds];
    for (size_t i = 0; i < plan_.binds.size(); ++i) {
      sources[i] = OpenBind(plan_.binds[i], static_cast<int>(i));
    }
    Must(mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, plan_.root_options) == 0,
         ChildStep::kRootFs);
    Must(chdir("/tmp") == 0, ChildStep::kRootFs);
    if (plan_.tmp_options != nullptr) {
      Must(mkdir("tmp", 0755) == 0, ChildStep::kFolder);
      const unsigned long flags =
          MS_NOSUID | MS_NODEV |
          (plan_.tmp_executable ? 0UL : static_cast<unsigned long>(MS_NOEXEC));
      Must(mount("tmpfs", "tmp", "tmpfs", flags, plan_.tmp_options) == 0, ChildStep::kTmpFs);
    }
    MakeFoldersAndLinks();
    if (plan_.processes_listed) {
      Must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "subset=pid") == 0,
           ChildStep::kProcFs);
    }
    for (size_t i = 0; i < plan_.binds.size(); ++i)
      Attach(plan_.binds[i], sources[i], static_cast<int>(i));
    for (size_t i = 0; i < plan_.files.size(); ++i) WriteFile(plan_.files[i], static_cast<int>(i));
  }

  void MakeFoldersAndLinks() const {
    int index = 0;
    for (const char* folder : plan_.folders) {
      Must(mkdir(folder, 0755) == 0 || errno == EEXIST, ChildStep::kFolder, index++);
    }
    index = 0;
    for (const ChildLink& link : plan_.links) {
      Must(symlink(link.target, link.inside) == 0, ChildStep::kLink, index++);
    }
  }

  void Attach(const ChildBind& bind, int source, int index) const {
    if (!bind.folder) {
      const int fd = open(bind.inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      Must(fd >= 0, ChildStep::kBindTarget, index);
      close(fd);
    }
    Must(move_mount(source, "", AT_FDCWD, bind.inside, MOVE_MOUNT_F_EMPTY_PATH) == 0,
         ChildStep::kBindTarget, index);
    close(source);
  }

  void WriteFile(const ChildFile& file, int index) const {
    const int fd = open(file.inside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file.mode);
    Must(fd >= 0, ChildStep::kFile, index);
    for (size_t done = 0; done < file.bytes.size();) {
      const ssize_t n = write(fd, file.bytes.data() + done, file.bytes.size() - done);
      Must(n > 0, ChildStep::kFile, index);
      done += static_cast<size_t>(n);
    }
    Must(fchmod(fd, file.mode) == 0, ChildStep::kFile, index);
    close(fd);
  }

  void EnterRoot() const {
    Must(syscall(SYS_pivot_root, ".", ".") == 0, ChildStep::kPivot);
    Must(umount2(".", MNT_DETACH) == 0, ChildStep::kPivot);
    Must(chdir("/") == 0, ChildStep::kPivot);
    mount_attr attributes = {};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    Must(mount_setattr(AT_FDCWD, "/", 0, &attributes, sizeof attributes) == 0,
         ChildStep::kReadOnlyRoot);
    Must(chdir(plan_.working_dir) == 0, ChildStep::kPivot);
  }

  void ApplyLimits() const {
    int index = 0;
    for (const ChildLimit& limit : plan_.limits) {
      const rlimit value = {limit.value, limit.value};
      Must(syscall(SYS_prlimit64, 0, limit.resource, &value, nullptr) == 0, ChildStep::kLimits,
           index++);
    }
    if (plan_.cores != nullptr) {
      Must(syscall(SYS_sched_setaffinity, 0, sizeof(cpu_set_t), plan_.cores) == 0,
           ChildStep::kCores);
    }
    if (plan_.fixed_addresses) personality(ADDR_NO_RANDOMIZE);
    umask(0077);
  }

  void DropPrivileges() const {
    for (int capability = 0; capability <= plan_.last_capability; ++capability) {
      Must(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0 || errno == EINVAL,
           ChildStep::kCapabilities, capability);
    }
    if (!plan_.user_namespace) {
      Must(syscall(SYS_setgroups, 0, nullptr) == 0, ChildStep::kIds);
      BecomeNobody();
    }
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[2] = {};
    Must(syscall(SYS_capset, &header, none) == 0, ChildStep::kCapabilities);
    Must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, ChildStep::kNoNewPrivileges);
  }

  // After the last change of credentials, which would clear the setting.
  void DieWithParent() const {
    Must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0, ChildStep::kDieWithParent);
    pollfd go = {go_fd_, POLLIN, 0};
    poll(&go, 1, 0);
    if ((go.revents & POLLHUP) != 0) _exit(124);
  }

  void ResetSignals() const {
    signal(SIGPIPE, SIG_DFL);
    const uint64_t nothing = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &nothing, nullptr, sizeof nothing);
  }

  void InstallFilter() const {
    // Without SPEC_ALLOW older kernels switch speculative stores off, which distorts timings.
    Must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                 &plan_.filter) == 0,
         ChildStep::kSeccomp);
  }

  [[noreturn]] void Exec() const {
    if (exec_fd_ >= 0) {
      syscall(SYS_execveat, exec_fd_, "", plan_.argv, plan_.env, AT_EMPTY_PATH);
    } else {
      execve(plan_.exec_path, plan_.argv, plan_.env);
    }
    Fail(ChildStep::kExec);
  }

  const ChildPlan& plan_;
  int go_fd_;
  int status_fd_;
  int exec_fd_;
};

}  // namespace

const char* ChildStepName(ChildStep step) {
  switch (step) {
    case ChildStep::kFds:
      return "arranging file descriptors";
    case ChildStep::kWaitForParent:
      return "waiting for the id maps";
    case ChildStep::kIds:
      return "changing to user and group 65534";
    case ChildStep::kPrivateMounts:
      return "making mounts private";
    case ChildStep::kBindSource:
      return "opening a folder to bind";
    case ChildStep::kBindOptions:
      return "making a bind read-only";
    case ChildStep::kRootFs:
      return "mounting the root tmpfs";
    case ChildStep::kTmpFs:
      return "mounting /tmp";
    case ChildStep::kProcFs:
      return "mounting /proc";
    case ChildStep::kFolder:
      return "making a folder";
    case ChildStep::kLink:
      return "making a link";
    case ChildStep::kFile:
      return "writing a file";
    case ChildStep::kBindTarget:
      return "attaching a bind";
    case ChildStep::kPivot:
      return "changing the root";
    case ChildStep::kReadOnlyRoot:
      return "making the root read-only";
    case ChildStep::kLimits:
      return "setting limits";
    case ChildStep::kCores:
      return "pinning to cores";
    case ChildStep::kCapabilities:
      return "dropping capabilities";
    case ChildStep::kNoNewPrivileges:
      return "setting no_new_privs";
    case ChildStep::kDieWithParent:
      return "setting the parent-death signal";
    case ChildStep::kSeccomp:
      return "installing the system-call filter";
    case ChildStep::kExec:
      return "executing the program";
  }
  return "unknown step";
}

void RunChild(const ChildPlan& plan) { Child(plan).Run(); }

}  // namespace ks
