// What a run was measured on. Value; part of every report and of every result key.
#ifndef KS_CORE_MACHINE_H_
#define KS_CORE_MACHINE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ks {

// An accelerator (or a CPU seen through OpenCL), as its driver describes it; ceilings are measured.
struct DeviceInfo {
  std::string name;     // "NVIDIA H200"
  std::string api;      // "cuda", "opencl", "hip"
  std::string arch;     // "sm_90"; for OpenCL the device's own version string
  std::string driver;   // version
  int index = 0;        // among the devices of this api
  bool is_cpu = false;  // an OpenCL device that is the host's processor
  int sm_count = 1;     // multiprocessors or compute units
  int warp_size = 32;
  int64_t memory_bytes = 0, l2_bytes = 0;
  int64_t shared_bytes_per_block = 0;  // largest, opt-in included
  int64_t registers_per_sm = 0, threads_per_sm = 0, shared_bytes_per_sm = 0;
  int64_t max_threads_per_block = 1024;
  double clock_mhz = 0;          // highest
  double copy_gbytes_per_s = 0;  // read + written, measured; 0 unknown
  double peak_gflops_f32 = 0;    // derived from clock, units and lanes; 0 unknown
  double peak_gflops_tf32 = 0, peak_gflops_f16 = 0;  // dense tensor cores, by data sheet; 0 unknown
  bool operator==(const DeviceInfo&) const = default;
};

struct Machine {
  std::string cpu;  // "AMD EPYC ..."
  int cores = 1;    // usable by this process
  int64_t l1d_bytes = 0, l2_bytes = 0, l3_bytes = 0, memory_bytes = 0;
  int vector_bits = 128;  // widest SIMD the CPU and kernel offer: 128, 256, 512
  bool has_fma = false;
  std::vector<std::string> isa;            // "avx2", "fma", "avx512f", ...
  std::vector<std::string> march_options;  // "-march=..." values valid here, best first
  std::vector<std::string> compilers;      // "g++ 12.2.0", "clang++ 14.0.6"
  std::string kernel;                      // "Linux 6.18"
  double peak_gflops_f32 = 0;              // one core, measured or derived; 0 unknown
  double copy_gbytes_per_s = 0;            // one core, read + written, measured; 0 unknown
  std::optional<DeviceInfo> device;        // what kernels run on, when not the CPU itself
  std::string id;                          // short hash over what decides timings
};

}  // namespace ks

#endif  // KS_CORE_MACHINE_H_
