// Are the verdicts of the paired comparison honest on this machine, now? Real calls, in one
// process: N comparisons of the identical kernel (none may be called a gain) and M of a kernel that
// does 3 % less work (most must be).
//
//   measure_honesty [--pairs N=1000] [--trials M=200] [--call-us 200] [--kernel all] [--json FILE]
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/text.h"
#include "bench/sample_kernels.h"
#include "measure/paired.h"

namespace {

struct Options {
  int64_t pairs = 1000;
  int64_t trials = 200;
  double call_us = 200;
  double gain = 1.03;
  std::string kernel = "all";
  std::string json;
};

Options Parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--pairs") options.pairs = ks::ParseInt(value).value_or(options.pairs);
    if (name == "--trials") options.trials = ks::ParseInt(value).value_or(options.trials);
    if (name == "--call-us") options.call_us = ks::ParseDouble(value).value_or(options.call_us);
    if (name == "--gain") options.gain = ks::ParseDouble(value).value_or(options.gain);
    if (name == "--kernel") options.kernel = value;
    if (name == "--json") options.json = value;
  }
  return options;
}

struct Tally {
  int64_t comparisons = 0, gains = 0, losses = 0;
  double pairs = 0, seconds = 0, mid = 0, width = 0;
};

// One comparison: the reference does `factor` times the candidate's work.
void Compare(const ks::bench::KernelSpec& spec, std::span<const float> buffer, double factor,
             Tally& tally) {
  ks::bench::KernelSpec slower = spec;
  slower.work = static_cast<int64_t>(static_cast<double>(spec.work) * factor);
  ks::bench::SampleKernel reference(slower, buffer), candidate(spec, buffer);
  reference.TimedCall();
  candidate.TimedCall();
  const ks::StoppingRule rule;
  ks::PairedStopping stopping(rule);
  ks::StopReason reason = ks::StopReason::kContinue;
  for (bool reference_first = true; reason == ks::StopReason::kContinue;
       reference_first = !reference_first) {
    ks::PairedSample sample;
    if (reference_first) sample.reference_ns = reference.TimedCall();
    sample.candidate_ns = candidate.TimedCall();
    if (!reference_first) sample.reference_ns = reference.TimedCall();
    reason = stopping.Add(sample);
  }
  const ks::Interval interval = stopping.interval();
  ++tally.comparisons;
  tally.gains += ks::IsSignificantGain(interval, rule.margin);
  tally.losses += ks::IsSignificantLoss(interval, rule.margin);
  tally.pairs += static_cast<double>(stopping.samples().size());
  tally.seconds += stopping.spent_ns() * 1e-9;
  tally.mid += interval.mid;
  tally.width += ks::RelativeHalfWidth(interval);
}

nlohmann::json ToJson(const std::string& kernel, const char* kind, const Tally& tally) {
  const auto n = static_cast<double>(std::max<int64_t>(1, tally.comparisons));
  fmt::print("{:10} {:6} {:>6} {:>6} {:>7} {:>8.1f} {:>9.4f} {:>8.4f} {:>9.3f}\n", kernel, kind,
             tally.comparisons, tally.gains, tally.losses, tally.pairs / n, tally.seconds / n,
             tally.mid / n, 100 * tally.width / n);
  return {{"kernel", kernel},
          {"kind", kind},
          {"comparisons", tally.comparisons},
          {"gains", tally.gains},
          {"losses", tally.losses},
          {"mean_pairs", tally.pairs / n},
          {"mean_seconds", tally.seconds / n},
          {"mean_ratio", tally.mid / n},
          {"mean_half_width", tally.width / n}};
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  std::vector<std::string> kernels = {options.kernel};
  if (options.kernel == "all") kernels = {"compute", "cache", "memory"};
  nlohmann::json results = nlohmann::json::array();
  fmt::print("{:10} {:6} {:>6} {:>6} {:>7} {:>8} {:>9} {:>8} {:>9}\n", "kernel", "kind", "n",
             "gains", "losses", "pairs", "seconds", "ratio", "+- %");
  const auto share = static_cast<int64_t>(kernels.size());
  for (const std::string& kernel : kernels) {
    const ks::bench::KernelSpec spec = ks::bench::Calibrate(kernel, options.call_us * 1e3);
    const std::vector<float> buffer(ks::bench::BufferElements(spec), 1.0f);
    Tally same, faster;
    for (int64_t i = 0; i < (options.pairs + share - 1) / share; ++i) {
      Compare(spec, buffer, 1.0, same);
    }
    for (int64_t i = 0; i < (options.trials + share - 1) / share; ++i) {
      Compare(spec, buffer, options.gain, faster);
    }
    results.push_back(ToJson(kernel, "same", same));
    results.push_back(ToJson(kernel, "faster", faster));
  }
  const nlohmann::json report = {{"bench", "measure_honesty"},
                                 {"gain", options.gain},
                                 {"call_us", options.call_us},
                                 {"results", results}};
  if (options.json.empty()) {
    fmt::print("{}\n", report.dump());
  } else {
    std::ofstream(options.json) << report.dump(2) << "\n";
  }
  return 0;
}
