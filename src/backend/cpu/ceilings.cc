#include "backend/cpu/ceilings.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace ks {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kChains = 12;  // hides the latency of two FMA units
constexpr int64_t kSteps = 20'000;
constexpr double kFlopsSeconds = 0.02;
constexpr double kCopySeconds = 0.05;

template <size_t kBytes>
struct Vector {
  typedef float Type __attribute__((vector_size(kBytes)));
};

// One body for every width; the caller's target attribute decides the instructions.
template <size_t kBytes>
[[gnu::always_inline]] inline float Chains(int64_t steps, float factor) {
  using V = typename Vector<kBytes>::Type;
  V sums[kChains];
  for (int i = 0; i < kChains; ++i) sums[i] = V{} + static_cast<float>(i);
  const V scale = V{} + factor;
  for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * scale + scale;
  }
  float total = 0;
  for (int i = 0; i < kChains; ++i) total += sums[i][0];
  return total;
}

[[gnu::noinline]] float Chains128(int64_t steps, float factor) { return Chains<16>(steps, factor); }
[[gnu::noinline, gnu::target("avx2,fma")]] float Chains256(int64_t steps, float factor) {
  return Chains<32>(steps, factor);
}
[[gnu::noinline, gnu::target("avx512f")]] float Chains512(int64_t steps, float factor) {
  return Chains<64>(steps, factor);
}

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

double MeasureGflops(const Machine& machine) {
  const bool wide = machine.vector_bits >= 256 && machine.has_fma;
  auto* const chains = machine.vector_bits >= 512 ? Chains512 : wide ? Chains256 : Chains128;
  const double lanes = machine.vector_bits >= 512 ? 16 : wide ? 8 : 4;
  const auto begin = SteadyClock::now();
  double best = 1e30;
  volatile float keep = 0.5f;
  while (SecondsSince(begin) < kFlopsSeconds) {
    const auto start = SteadyClock::now();
    keep = chains(kSteps, keep * 0.0f + 0.5f);
    best = std::min(best, SecondsSince(start));
  }
  return 2 * lanes * kChains * static_cast<double>(kSteps) / best * 1e-9;
}

double MeasureCopy(const Machine& machine) {
  const auto bytes = static_cast<size_t>(std::clamp<int64_t>(machine.l3_bytes, 16 << 20, 64 << 20));
  std::vector<char> from(bytes, 1);
  std::vector<char> to(bytes, 2);
  const auto begin = SteadyClock::now();
  double best = 1e30;
  do {
    const auto start = SteadyClock::now();
    std::memcpy(to.data(), from.data(), bytes);
    from[static_cast<size_t>(to[bytes / 2]) % bytes] ^= 1;
    best = std::min(best, SecondsSince(start));
  } while (SecondsSince(begin) < kCopySeconds);
  return 2 * static_cast<double>(bytes) / best * 1e-9;
}

}  // namespace

Ceilings MeasureCeilings(const Machine& machine) {
  return {MeasureGflops(machine), MeasureCopy(machine)};
}

}  // namespace ks
