// The full structured feedback of one evaluation: the outcome and what was learnt on the way.
#ifndef KS_CORE_EVALUATION_H_
#define KS_CORE_EVALUATION_H_

#include <optional>
#include <string>
#include <vector>

#include "core/module.h"
#include "core/outcome.h"

namespace ks {

// Read from the compiled object code (disassembly), not from the source. All counts are static
// instruction counts inside loops.
struct CodeFeatures {
  int vector_bits = 0;  // widest packed floating-point or integer arithmetic: 0, 128, 256, 512
  int loop_depth = 0;   // deepest nest of natural loops, recognised from backward branches
  int loop_count = 0;
  bool uses_fma = false;
  bool uses_gather = false;
  bool uses_nontemporal = false;
  bool uses_prefetch = false;
  bool uses_threads = false;
  bool uses_scratch = false;  // allocates, has writable statics, or a stack frame above 4 KiB
  int accumulators = 0;    // largest number of distinct vector accumulators in one innermost loop
  int calls_in_loops = 0;  // calls (for example expf) left inside loops
  int64_t code_bytes = 0;
  int64_t static_bytes = 0;  // .data + .bss
  bool operator==(const CodeFeatures&) const = default;
};

// Read from the compiled device code and its driver: the largest over the launches of the first
// time workload, unless said otherwise.
struct DeviceFeatures {
  int launches = 1;          // steps of one call, clears included
  int registers = 0;         // a thread
  int64_t spill_bytes = 0;   // local memory a thread
  int64_t shared_bytes = 0;  // static + dynamic, a block
  int threads_per_block = 0;
  double occupancy = 0;      // 0..1: resident warps / the most, smallest over the launches
  double blocks_per_sm = 0;  // grid size / multiprocessors, of the largest launch
  int load_bits = 0;         // widest global load: 8 to 128
  bool uses_tensor_cores = false;
  bool uses_async_copy = false;
  bool uses_shared = false;
  bool uses_shuffle = false;
  bool uses_atomics = false;
  int64_t scratch_bytes = 0;
  bool operator==(const DeviceFeatures&) const = default;
};

// One number of a profile.
struct ProfileFact {
  std::string name;  // "memory throughput", "eligible warps", ...
  double value = 0;
  std::string unit;  // "%", "byte", "warp"; may be empty
  bool operator==(const ProfileFact&) const = default;
};

// What binds a device kernel, on the first time workload.
struct DeviceProfile {
  std::string source;      // "ncu": read from counters; "model": from bytes, operations, resources
  std::string note;        // why it is the model's where a profiler was asked for; else empty
  std::string kernel;      // that takes most of the time; empty: of the whole call
  std::string bottleneck;  // "compute", "memory", "latency", "unknown"
  double roofline_fraction = 0;  // 0..1, of the nearer ceiling; 0 unknown
  std::vector<ProfileFact> facts;
  bool operator==(const DeviceProfile&) const = default;
};

struct StageSeconds {
  double compile = 0;
  double check = 0;
  double time = 0;
  double queue = 0;  // waiting for the timing lease
};

struct Evaluation {
  Outcome outcome;
  CodeFeatures features;                 // valid once compiled, CPU backend
  std::optional<DeviceFeatures> device;  // once compiled, device backends
  std::optional<DeviceProfile> profile;  // when the stage was asked for, device backends
  std::optional<ModuleFacts> module;     // of a PyTorch module
  std::string binary_hash;               // empty when not compiled
  std::string compiler;                  // "g++ 12.2.0"
  std::string flags;                     // as used
  std::vector<Diagnostic> warnings;
  StageSeconds seconds;
  std::vector<WorkloadTiming> held_out;  // filled for champions only; not part of the speed-up
};

}  // namespace ks

#endif  // KS_CORE_EVALUATION_H_
