#include "backend/cpu/kernel_filters.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace ks {
namespace {

using Rules = std::vector<FilterRule>;

Rules CommonRules() {
  Rules rules = {
      {{"futex", "clock_gettime", "gettimeofday", "time", "clock_getres", "sched_yield", "getpid",
        "gettid", "getcpu", "sched_getaffinity", "rt_sigreturn", "rt_sigprocmask",
        "restart_syscall", "munmap", "brk", "exit", "exit_group"},
       FilterAction::kAllow,
       0,
       {}},
      // libc and libstdc++ say why they abort; nobody reads it.
      {{"write", "writev"}, FilterAction::kFail, EBADF, {{0, 0xffffffff, STDERR_FILENO}}},
      // realloc() falls back to copying.
      {{"mremap"}, FilterAction::kFail, ENOMEM, {}},
      // abort(): the handler reports it.
      {{"tgkill"}, FilterAction::kAllow, 0, {{2, 0xffffffff, SIGABRT}}},
      {{"mprotect"}, FilterAction::kAllow, 0, {{2, PROT_EXEC, 0}}},
      {{"mmap"}, FilterAction::kAllow, 0, {{2, PROT_EXEC, 0}}},
  };
  for (const int advice : {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED,
                           MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE}) {
    rules.push_back(
        {{"madvise"}, FilterAction::kAllow, 0, {{2, 0xffffffff, static_cast<uint64_t>(advice)}}});
  }
  return rules;
}

void AddThreads(Rules* rules) {
  rules->push_back({{"clone"}, FilterAction::kAllow, 0, {{0, CLONE_THREAD, CLONE_THREAD}}});
  rules->push_back({{"clone3"}, FilterAction::kFail, ENOSYS, {}});
  // The C library's own signal for setuid() across threads, installed with the first thread.
  constexpr uint64_t kSetIdSignal = 33;
  rules->push_back({{"rt_sigaction"}, FilterAction::kAllow, 0, {{0, 0xffffffff, kSetIdSignal}}});
  rules->push_back({{"set_robust_list", "rseq"}, FilterAction::kAllow, 0, {}});
}

void AddLoading(Rules* rules) {
  constexpr uint64_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC | O_TMPFILE;
  rules->push_back({{"openat"}, FilterAction::kAllow, 0, {{2, kWriting, O_RDONLY}}});
  rules->push_back(
      {{"read", "pread64", "fstat", "newfstatat", "close", "getcwd"}, FilterAction::kAllow, 0, {}});
  // Code from files only, and never writable: there is no writable file in the sandbox.
  rules->push_back({{"mmap"},
                    FilterAction::kAllow,
                    0,
                    {{2, PROT_EXEC | PROT_WRITE, PROT_EXEC}, {3, MAP_ANONYMOUS, 0}}});
  rules->push_back({{"seccomp"},
                    FilterAction::kAllow,
                    0,
                    {{0, 0xffffffff, SECCOMP_SET_MODE_FILTER},
                     {1, 0xffffffff, SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC}}});
}

}  // namespace

Result<KernelFilters> BuildKernelFilters(int max_threads) {
  FilterSpec call;
  call.default_action = FilterAction::kTrap;
  call.rules = CommonRules();
  if (max_threads > 1) AddThreads(&call.rules);
  FilterSpec load = call;
  AddLoading(&load.rules);
  KernelFilters filters;
  KS_ASSIGN_OR_RETURN(filters.load, BuildFilter(load));
  KS_ASSIGN_OR_RETURN(filters.call, BuildFilter(call));
  return filters;
}

}  // namespace ks
