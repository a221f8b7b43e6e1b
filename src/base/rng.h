// Deterministic random numbers with derived seeds: xoshiro256** seeded by SplitMix64
// (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018).
#ifndef KS_BASE_RNG_H_
#define KS_BASE_RNG_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace ks {

// Seed of step `index` of the stochastic part `step` of a run. Independent of thread order.
uint64_t DeriveSeed(uint64_t run_seed, std::string_view step, uint64_t index);

// 64 bits from the operating system, for secret input seeds.
uint64_t SecretSeed();

// Thread-compatible. The sequence for a seed is stable across platforms and releases.
class Rng {
 public:
  explicit Rng(uint64_t seed);
  uint64_t Next();
  // Uniform in [0, n). REQUIRES: n > 0.
  uint64_t Below(uint64_t n);
  // Uniform in [0, 1).
  double Uniform();
  // Standard normal (Box-Muller).
  double Normal();
  bool Chance(double probability) { return Uniform() < probability; }

 private:
  std::array<uint64_t, 4> state_;
};

}  // namespace ks

#endif  // KS_BASE_RNG_H_
