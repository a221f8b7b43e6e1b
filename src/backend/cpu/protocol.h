// What the engine and `ksmith-runner` share: descriptors and the layout of the control memory.
//
// The runner maps the whole control file. Everything before kChannelOffset is written by the engine
// before the start and read by the runner before any candidate code is loaded. The channel is
// written by both; the engine believes nothing in it that it cannot bound by other means, because a
// candidate can write there too.
#ifndef KS_BACKEND_CPU_PROTOCOL_H_
#define KS_BACKEND_CPU_PROTOCOL_H_

#include <cstddef>
#include <cstdint>

namespace ks {

inline constexpr uint32_t kRunnerProtocolVersion = 1;

inline constexpr int kControlFd = 3;
inline constexpr int kInputsFd = 4;
inline constexpr int kOutputsFd = 5;
inline constexpr const char* kKernelPath = "/kernel.so";

inline constexpr size_t kChannelBytes = 4096;
inline constexpr size_t kLibraryNameBytes = 64;

// One piece of the inputs or outputs file in the runner's address space.
struct RunnerMapping {
  uint64_t address = 0;
  uint64_t file_offset = 0;
  uint64_t bytes = 0;
  uint32_t writable = 0;  // 0: inputs file, read-only; 1: outputs file
  uint32_t padding = 0;
};

// A table inside the control file.
struct ControlTable {
  uint64_t offset = 0;
  uint64_t count = 0;
};

// At offset 0 of the control file.
struct ControlHeader {
  uint32_t version = kRunnerProtocolVersion;
  uint32_t max_threads = 1;
  uint64_t control_bytes = 0;
  uint64_t channel_offset = 0;
  uint64_t reserve_address = 0;  // no access, except for the mappings
  uint64_t reserve_bytes = 0;
  ControlTable mappings;     // RunnerMapping
  ControlTable libraries;    // char[kLibraryNameBytes], loaded before the first filter
  ControlTable buffers;      // uint64_t addresses, workload by workload
  ControlTable axes;         // int64_t, workload by workload
  ControlTable load_filter;  // sock_filter, in force while the candidate is loaded
  ControlTable call_filter;  // sock_filter, in force while it is called
  uint64_t buffers_per_workload = 0;
  uint64_t axes_per_workload = 0;
};

enum class RunnerState : uint32_t {
  kStarting = 0,
  kLoading = 1,  // candidate code may have run
  kReady = 2,
  kSetUpFailed = 3,  // ours: `message` says what
  kLoadFailed = 4,   // the dynamic loader's `message`
};

// How the candidate died, recorded by a signal handler in its own process.
struct RunnerFault {
  int32_t signal = 0;
  int32_t code = 0;
  int32_t system_call = -1;
  uint32_t is_write = 0;  // of a memory fault
  uint64_t address = 0;
  uint64_t stack_pointer = 0;
};

inline constexpr uint32_t kFaultAnswer = 0xffffffffu;

// `command` and `answer` are futex words. The engine sets `workload`, increments `command` and
// wakes; the runner calls, writes `inside_ns`, sets `answer` to the command's number and wakes.
// The first answer is number 1, for the start itself.
struct RunnerChannel {
  uint32_t command = 1;
  uint32_t workload = 0;
  uint32_t answer = 0;
  RunnerState state = RunnerState::kStarting;
  uint64_t inside_ns = 0;
  uint64_t failed_request_bytes = 0;  // the last allocation that did not succeed
  RunnerFault fault;
  char message[512] = {};
};
static_assert(sizeof(RunnerChannel) <= kChannelBytes);

}  // namespace ks

#endif  // KS_BACKEND_CPU_PROTOCOL_H_
