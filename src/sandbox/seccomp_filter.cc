#include "sandbox/seccomp_filter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/file.h"
#include "sandbox/unique_fd.h"

namespace ks {
namespace {

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using FilterHandle = std::unique_ptr<void, ReleaseFilter>;

uint32_t NativeAction(FilterAction action, int error_number) {
  switch (action) {
    case FilterAction::kAllow:
      return SCMP_ACT_ALLOW;
    case FilterAction::kFail:
      return SCMP_ACT_ERRNO(static_cast<uint32_t>(error_number));
    case FilterAction::kTrap:
      return SCMP_ACT_TRAP;
  }
  return SCMP_ACT_KILL_PROCESS;
}

Status AddRule(scmp_filter_ctx filter, const FilterRule& rule) {
  std::vector<scmp_arg_cmp> tests;
  for (const ArgumentTest& test : rule.tests) {
    tests.push_back({test.index, SCMP_CMP_MASKED_EQ, test.mask, test.value});
  }
  for (const char* call : rule.calls) {
    const int number = seccomp_syscall_resolve_name(call);
    if (number == __NR_SCMP_ERROR) continue;
    const int error =
        seccomp_rule_add_array(filter, NativeAction(rule.action, rule.error_number), number,
                               static_cast<unsigned>(tests.size()), tests.data());
    if (error != 0) return ErrnoError(-error, fmt::format("seccomp rule for {}", call));
  }
  return {};
}

Result<FilterProgram> Export(scmp_filter_ctx filter) {
  const UniqueFd file(memfd_create("ks-filter", MFD_CLOEXEC));
  if (!file.valid()) return ErrnoError(errno, "memfd_create for a seccomp filter");
  if (const int error = seccomp_export_bpf(filter, file.get()); error != 0) {
    return ErrnoError(-error, "exporting a seccomp filter");
  }
  const off_t bytes = lseek(file.get(), 0, SEEK_END);
  FilterProgram program(static_cast<size_t>(bytes) / sizeof(sock_filter));
  const size_t wanted = program.size() * sizeof(sock_filter);
  const ssize_t got = pread(file.get(), program.data(), wanted, 0);
  if (bytes <= 0 || got != static_cast<ssize_t>(wanted)) {
    return Error{ErrorCode::kInternal, "a seccomp filter could not be read back"};
  }
  return program;
}

// New namespaces by clone(): the flags are the first argument.
std::vector<FilterRule> NoNewNamespaces() {
  std::vector<FilterRule> rules;
  for (const uint64_t flag :
       {uint64_t{CLONE_NEWNS}, uint64_t{CLONE_NEWUSER}, uint64_t{CLONE_NEWPID},
        uint64_t{CLONE_NEWNET}, uint64_t{CLONE_NEWIPC}, uint64_t{CLONE_NEWUTS},
        uint64_t{CLONE_NEWCGROUP}}) {
    rules.push_back({{"clone"}, FilterAction::kFail, EPERM, {{0, flag, flag}}});
  }
  // Its flags lie in memory; glibc falls back to clone() on ENOSYS.
  rules.push_back({{"clone3"}, FilterAction::kFail, ENOSYS, {}});
  return rules;
}

// A plain list, one name a line.
FilterRule KernelInterfaces() {  // NOLINT(readability-function-size)
  return {{"ptrace",
           "process_vm_readv",
           "process_vm_writev",
           "process_madvise",
           "pidfd_open",
           "pidfd_getfd",
           "kcmp",
           "bpf",
           "perf_event_open",
           "userfaultfd",
           "io_uring_setup",
           "io_uring_enter",
           "io_uring_register",
           "mount",
           "umount2",
           "pivot_root",
           "open_tree",
           "move_mount",
           "fsopen",
           "fsmount",
           "fsconfig",
           "fspick",
           "mount_setattr",
           "chroot",
           "unshare",
           "setns",
           "keyctl",
           "add_key",
           "request_key",
           "kexec_load",
           "kexec_file_load",
           "init_module",
           "finit_module",
           "delete_module",
           "reboot",
           "swapon",
           "swapoff",
           "acct",
           "quotactl",
           "syslog",
           "personality",
           "name_to_handle_at",
           "open_by_handle_at",
           "fanotify_init",
           "inotify_init",
           "inotify_init1",
           "iopl",
           "ioperm",
           "modify_ldt",
           "settimeofday",
           "clock_settime",
           "clock_adjtime",
           "adjtimex",
           "sethostname",
           "setdomainname",
           "vhangup",
           "mknod",
           "mknodat",
           "shmget",
           "shmat",
           "msgget",
           "semget",
           "mq_open",
           "lookup_dcookie",
           "nfsservctl",
           "memfd_secret",
           "setuid",
           "setgid",
           "setresuid",
           "setresgid",
           "setgroups"},
          FilterAction::kFail,
          EPERM,
          {}};
}

FilterRule Sockets() {
  return {{"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"},
          FilterAction::kFail,
          EPERM,
          {}};
}

// All but AF_UNIX, which reaches no further than the network namespace and the private root.
std::vector<FilterRule> ForeignSockets() {
  constexpr uint64_t kFamilies = 64;  // more than there are
  // A family is an int: the kernel takes no notice of what a register holds above it.
  constexpr uint64_t kInt = 0xFFFFFFFF;
  std::vector<FilterRule> rules;
  for (uint64_t family = 0; family < kFamilies; ++family) {
    if (family == AF_UNIX) continue;
    rules.push_back({{"socket", "socketpair"}, FilterAction::kFail, EPERM, {{0, kInt, family}}});
  }
  return rules;
}

}  // namespace

Result<FilterProgram> BuildFilter(const FilterSpec& spec) {
  const FilterHandle filter(seccomp_init(NativeAction(spec.default_action, EPERM)));
  if (filter == nullptr) return Error{ErrorCode::kInternal, "seccomp_init failed"};
  seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  for (const FilterRule& rule : spec.rules) KS_RETURN_IF_ERROR(AddRule(filter.get(), rule));
  return Export(filter.get());
}

std::string SyscallName(int number) {
  char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);
  const std::unique_ptr<char, decltype(&std::free)> owner(name, &std::free);
  return name == nullptr ? fmt::format("system call {}", number)
                         : fmt::format("{} ({})", name, number);
}

FilterSpec ProfileSpec(SeccompProfile profile) {
  FilterSpec spec;
  spec.rules = NoNewNamespaces();
  spec.rules.push_back(KernelInterfaces());
  if (profile == SeccompProfile::kDevice) {
    for (FilterRule& rule : ForeignSockets()) spec.rules.push_back(std::move(rule));
  } else {
    spec.rules.push_back(Sockets());
  }
  if (profile == SeccompProfile::kRunner) {
    spec.rules.push_back({{"fork", "vfork"}, FilterAction::kFail, EPERM, {}});
    spec.rules.push_back({{"clone"}, FilterAction::kFail, EPERM, {{0, CLONE_THREAD, 0}}});
  }
  return spec;
}

}  // namespace ks
