// A simulated noisy machine for tests of the measurement: bursts of interference that slow calls
// for a while, rare preemptions, slow drift. Deterministic in its seed.
#ifndef KS_TESTS_MEASURE_NOISY_MACHINE_H_
#define KS_TESTS_MEASURE_NOISY_MACHINE_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "measure/paired.h"

namespace ks {

// Single thread.
class NoisyMachine {
 public:
  explicit NoisyMachine(uint64_t seed, double jitter = 0.01) : rng_(seed), jitter_(jitter) {}

  // Time of the next call of a kernel whose undisturbed time is `ns`.
  double Call(double ns) {
    if (rng_.Chance(busy_ ? 0.2 : 0.05)) busy_ = !busy_;
    drift_ += 0.0005 * rng_.Normal();
    double time = ns * std::exp(drift_ + jitter_ * std::abs(rng_.Normal()));
    if (busy_) time *= 1.05 + 0.4 * rng_.Uniform();
    if (rng_.Chance(0.01)) time += 4e6 * rng_.Uniform();
    return time;
  }
  // The next pair, order A B then B A.
  PairedSample Pair(double reference_ns, double candidate_ns) {
    PairedSample sample;
    reference_first_ = !reference_first_;
    if (reference_first_) sample.reference_ns = Call(reference_ns);
    sample.candidate_ns = Call(candidate_ns);
    if (!reference_first_) sample.reference_ns = Call(reference_ns);
    return sample;
  }
  std::vector<PairedSample> Pairs(int count, double reference_ns, double candidate_ns) {
    std::vector<PairedSample> samples;
    for (int i = 0; i < count; ++i) samples.push_back(Pair(reference_ns, candidate_ns));
    return samples;
  }

 private:
  Rng rng_;
  double jitter_;
  double drift_ = 0;
  bool busy_ = false;
  bool reference_first_ = false;
};

}  // namespace ks

#endif  // KS_TESTS_MEASURE_NOISY_MACHINE_H_
