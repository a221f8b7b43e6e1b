// From the way a runner ended to the candidate's Outcome.
#ifndef KS_BACKEND_CPU_FAULTS_H_
#define KS_BACKEND_CPU_FAULTS_H_

#include "backend/cpu/arena.h"
#include "backend/cpu/protocol.h"
#include "core/outcome.h"
#include "sandbox/sandbox.h"

namespace ks {

// What a runner left behind. `workload` is the index of the last call; -1: while loading.
struct RunnerEnd {
  SandboxExit exit;
  RunnerFault fault;
  uint64_t failed_request_bytes = 0;
  int workload = -1;
};

// Pure. Rejected{"forbidden_syscall" | "exit"}, OutOfBounds, OutOfMemory or Crashed.
Outcome ExplainEnd(const RunnerEnd& end, const CpuArena& arena);

}  // namespace ks

#endif  // KS_BACKEND_CPU_FAULTS_H_
