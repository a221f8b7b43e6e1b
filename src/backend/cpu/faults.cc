#include "backend/cpu/faults.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "sandbox/seccomp_filter.h"

namespace ks {
namespace {

constexpr uint64_t kStackReach = 1 << 20;

const char* StageOf(const RunnerEnd& end) { return end.workload < 0 ? "load" : "call"; }

std::string WorkloadOf(const RunnerEnd& end, const CpuArena& arena) {
  return end.workload < 0 ? "" : arena.workload_name(static_cast<size_t>(end.workload));
}

std::string DescribeSegv(const RunnerFault& fault) {
  const uint64_t distance = fault.address > fault.stack_pointer
                                ? fault.address - fault.stack_pointer
                                : fault.stack_pointer - fault.address;
  if (distance < kStackReach) return "stack overflow";
  if (fault.address < 4096) {
    return fmt::format("{} through a null pointer", fault.is_write != 0 ? "write" : "read");
  }
  return fmt::format("{} at {:#x}", fault.is_write != 0 ? "write" : "access", fault.address);
}

std::string DescribeSignal(int signal) {
  switch (signal) {
    case SIGFPE:
      return "integer division by zero or overflow";
    case SIGILL:
      return "illegal instruction";
    case SIGABRT:
      return "abort";
    case SIGTRAP:
      return "trap instruction";
    default:
      return "";
  }
}

}  // namespace

Outcome ExplainEnd(const RunnerEnd& end, const CpuArena& arena) {
  const RunnerFault& fault = end.fault;
  const std::string workload = WorkloadOf(end, arena);
  const bool recorded = fault.signal != 0;
  const int signal = recorded ? fault.signal : end.exit.signal;
  if (signal == SIGSYS) {
    return Rejected{"forbidden_syscall",
                    recorded ? SyscallName(fault.system_call) : "of another system interface"};
  }
  const bool memory_fault = signal == SIGSEGV || signal == SIGBUS;
  if (memory_fault && recorded) {
    const auto place = arena.ExplainFault(fault.address, fault.is_write != 0,
                                          static_cast<size_t>(std::max(end.workload, 0)));
    if (place) return *place;
  }
  if (end.failed_request_bytes > 0) {
    return OutOfMemory{StageOf(end), static_cast<double>(end.failed_request_bytes)};
  }
  if (signal == SIGKILL) return OutOfMemory{StageOf(end), 0};
  if (memory_fault && recorded) return Crashed{workload, signal, DescribeSegv(fault)};
  if (signal != 0) return Crashed{workload, signal, DescribeSignal(signal)};
  return Rejected{"exit", fmt::format("ended with status {} instead of returning", end.exit.code)};
}

}  // namespace ks
