// Replays traces of bench/noise_trace through the stopping rule: windows inside one session, as
// they were recorded (A/A) and with side A lengthened by the factor of a true gain.
//
//   noise_replay [--trials 1000] [--gain 1.03] [--pairs 240] trace.csv...
#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/text.h"
#include "measure/paired.h"

namespace {

using Session = std::vector<ks::PairedSample>;

// Sessions of pairs from a CSV of session, call, side, ns.
std::vector<Session> ReadTrace(const std::string& path) {
  std::ifstream file(path);
  std::vector<Session> sessions;
  std::string line, current;
  std::getline(file, line);
  ks::PairedSample sample;
  while (std::getline(file, line)) {
    const auto parts = ks::Split(line, ',');
    if (parts.size() != 4) break;
    if (parts[0] != current) {
      sessions.emplace_back();
      current = std::string(parts[0]);
    }
    const double ns = ks::ParseDouble(parts[3]).value_or(0);
    (parts[2] == "0" ? sample.reference_ns : sample.candidate_ns) = ns;
    if (sample.reference_ns > 0 && sample.candidate_ns > 0) {
      sessions.back().push_back(sample);
      sample = {};
    }
  }
  return sessions;
}

struct Tally {
  int gains = 0, losses = 0, excluded = 0;
  double pairs = 0, width = 0;
};

Tally Replay(const std::vector<Session>& sessions, double factor, int trials, int max_pairs) {
  ks::Rng rng(7);
  Tally tally;
  ks::StoppingRule rule;
  rule.max_pairs = max_pairs;
  for (int i = 0; i < trials; ++i) {
    const Session& session = sessions[rng.Below(sessions.size())];
    size_t at = 2 * rng.Below(session.size() / 4);
    ks::PairedStopping stopping(rule);
    ks::StopReason reason = ks::StopReason::kContinue;
    while (reason == ks::StopReason::kContinue) {
      ks::PairedSample sample = session[at++ % session.size()];
      sample.reference_ns *= factor;
      reason = stopping.Add(sample);
    }
    const ks::Interval interval = stopping.interval();
    tally.gains += ks::IsSignificantGain(interval, rule.margin);
    tally.losses += ks::IsSignificantLoss(interval, rule.margin);
    tally.excluded += interval.low > factor || interval.high < factor;
    tally.pairs += static_cast<double>(stopping.samples().size()) / trials;
    tally.width += ks::RelativeHalfWidth(interval) / trials;
  }
  return tally;
}

}  // namespace

int main(int argc, char** argv) {
  int trials = 1000, pairs = 240;
  double gain = 1.03;
  fmt::print("{:28} {:>9} {:>9} {:>9} {:>6} | {:>9} {:>9} {:>6} {:>6}\n", "trace", "A/A gains",
             "losses", "excluded", "pairs", "gain held", "excluded", "pairs", "width");
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--") && i + 1 < argc) {
      const double value = ks::ParseDouble(argv[++i]).value_or(0);
      if (argument == "--trials") trials = static_cast<int>(value);
      if (argument == "--pairs") pairs = static_cast<int>(value);
      if (argument == "--gain") gain = value;
      continue;
    }
    const auto sessions = ReadTrace(argument);
    const Tally same = Replay(sessions, 1.0, trials, pairs);
    const Tally faster = Replay(sessions, gain, trials, pairs);
    const double percent = 100.0 / trials;
    fmt::print("{:28} {:>9} {:>9} {:>9} {:>6.1f} | {:>8.1f}% {:>8.1f}% {:>6.1f} {:>5.2f}%\n",
               argument, same.gains, same.losses, same.excluded, same.pairs, faster.gains * percent,
               faster.excluded * percent, faster.pairs, 100 * faster.width);
  }
  return 0;
}
