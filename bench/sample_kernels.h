// Kernels of a wanted length for the benches of the measurement: compute bound (registers), cache
// (192 KiB, L2) and memory (24 MiB). `work` counts elements, so that a kernel with 3 % less work
// is a true 3 % gain.
#ifndef KS_BENCH_SAMPLE_KERNELS_H_
#define KS_BENCH_SAMPLE_KERNELS_H_

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ks::bench {

inline double NowNs() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct KernelSpec {
  std::string kind = "compute";  // "compute", "cache", "memory"
  int64_t work = 100'000;        // inner iterations, 8 floats each
};

// Floats that a kernel of this kind reads.
inline size_t BufferElements(const KernelSpec& spec) {
  return spec.kind == "memory" ? size_t{24} << 18 : size_t{192} << 8;
}

// Thread-compatible. Reads `buffer`, which must outlive it.
class SampleKernel {
 public:
  SampleKernel(const KernelSpec& spec, std::span<const float> buffer)
      : spec_(spec), buffer_(buffer) {}

  void set_work(int64_t work) { spec_.work = work; }
  // Runs once; returns the time in nanoseconds.
  [[gnu::noinline]] double TimedCall() {
    const double start = NowNs();
    asm volatile("" ::: "memory");  // no work may move out of the timed part
    spec_.kind == "compute" ? Compute() : Stream();
    asm volatile("" ::: "memory");
    return NowNs() - start;
  }

 private:
  [[gnu::noinline]] void Compute() {
    std::array<float, 8> x{};
    for (int64_t i = 0; i < spec_.work; ++i) {
      for (float& v : x) v = v * 0.999f + 1.0f;
      asm volatile("" ::: "memory");
    }
    sink_ = x[0];
  }
  [[gnu::noinline]] void Stream() {
    std::array<float, 8> sum{};
    const size_t blocks = buffer_.size() / 8;
    size_t block = 0;
    for (int64_t i = 0; i < spec_.work; ++i) {
      for (size_t j = 0; j < 8; ++j) sum[j] += buffer_[block * 8 + j];
      if (++block == blocks) block = 0;
    }
    sink_ = sum[0];
  }
  KernelSpec spec_;
  std::span<const float> buffer_;
  volatile float sink_ = 0;
};

// A spec whose call takes about `call_ns` (median of a few probes).
inline KernelSpec Calibrate(const std::string& kind, double call_ns) {
  KernelSpec spec{kind, 20'000};
  const std::vector<float> buffer(BufferElements(spec), 1.0f);
  for (int round = 0; round < 4; ++round) {
    SampleKernel kernel(spec, buffer);
    std::array<double, 9> ns{};
    for (double& t : ns) t = kernel.TimedCall();
    std::sort(ns.begin(), ns.end());
    const double scale = std::clamp(call_ns / std::max(1.0, ns[4]), 0.02, 50.0);
    spec.work = std::max<int64_t>(64, static_cast<int64_t>(static_cast<double>(spec.work) * scale));
  }
  return spec;
}

}  // namespace ks::bench

#endif  // KS_BENCH_SAMPLE_KERNELS_H_
