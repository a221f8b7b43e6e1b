#include "fault_handler.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

#include <initializer_list>

namespace ks {
namespace {

constexpr int kFaultStatus = 97;
constexpr unsigned long kPageFaultWrite = 2;  // bit of the x86 page-fault error code

// A signal handler has no other way to reach it. Written once, before any candidate code.
RunnerChannel* g_channel = nullptr;
alignas(64) char g_stack[64 << 10];

void OnFault(int signal, siginfo_t* info, void* raw_context) {
  const auto* context = static_cast<const ucontext_t*>(raw_context);
  RunnerFault& fault = g_channel->fault;
  fault.code = info->si_code;
  fault.stack_pointer = static_cast<uint64_t>(context->uc_mcontext.gregs[REG_RSP]);
  if (signal == SIGSYS) {
    fault.system_call = info->si_syscall;
  } else {
    fault.address = reinterpret_cast<uint64_t>(info->si_addr);
    const auto error = static_cast<unsigned long>(context->uc_mcontext.gregs[REG_ERR]);
    fault.is_write = (error & kPageFaultWrite) != 0 ? 1 : 0;
  }
  fault.signal = signal;
  SetAndWake(&g_channel->answer, kFaultAnswer);
  _exit(kFaultStatus);
}

}  // namespace

void SetAndWake(uint32_t* word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
  syscall(SYS_futex, word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

bool InstallFaultHandlers(RunnerChannel* channel) {
  g_channel = channel;
  stack_t stack = {};
  stack.ss_sp = g_stack;
  stack.ss_size = sizeof g_stack;
  if (sigaltstack(&stack, nullptr) != 0) return false;
  struct sigaction action = {};
  action.sa_sigaction = OnFault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigfillset(&action.sa_mask);
  for (const int signal : {SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
    if (sigaction(signal, &action, nullptr) != 0) return false;
  }
  return true;
}

void NoteFailedRequest(uint64_t bytes) {
  if (g_channel != nullptr) g_channel->failed_request_bytes = bytes == 0 ? 1 : bytes;
}

}  // namespace ks
