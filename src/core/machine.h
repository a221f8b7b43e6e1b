// What a run was measured on. Value; part of every report and of every result key.
#ifndef KS_CORE_MACHINE_H_
#define KS_CORE_MACHINE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ks {

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
  std::string id;                          // short hash over what decides timings
};

}  // namespace ks

#endif  // KS_CORE_MACHINE_H_
