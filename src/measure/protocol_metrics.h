// The metrics of the Kernel-Smith paper (arXiv 2603.28342, section on KernelBench), exactly as it
// defines them, and the usual companions.
#ifndef KS_MEASURE_PROTOCOL_METRICS_H_
#define KS_MEASURE_PROTOCOL_METRICS_H_

#include <span>
#include <vector>

namespace ks {

// What a search reached on one task of a suite.
struct SuiteResult {
  int level = 1;
  bool correct = false;  // of the final answer, after every audit
  double speedup = 0;    // over the baseline; meaningless when not correct
};

struct SuiteMetrics {
  int tasks = 0;
  double corr = 0;    // share of the tasks with a correct answer
  double fast_1 = 0;  // share that is correct and faster than the baseline
  double amsr = 0;    // mean speed-up over all tasks; below 1, or wrong: counts 0
  // Over the correct ones, of the speed-ups as they are; 0: there is none.
  double geometric_mean = 0;
  bool operator==(const SuiteMetrics&) const = default;
};

struct LevelMetrics {
  int level = 0;
  SuiteMetrics metrics;
};

struct ProtocolMetrics {
  std::vector<LevelMetrics> levels;  // ascending; those that occur
  SuiteMetrics macro;                // plain mean of the levels' values, as the paper averages
  SuiteMetrics by_task;              // every task weighs the same
};

// Share of `results` that is correct and faster than `p` times the baseline, strictly. 0 for none.
double FastP(std::span<const SuiteResult> results, double p);
// One set of tasks, levels ignored. All zero for none.
SuiteMetrics MetricsOf(std::span<const SuiteResult> results);
ProtocolMetrics PaperMetrics(std::span<const SuiteResult> results);

}  // namespace ks

#endif  // KS_MEASURE_PROTOCOL_METRICS_H_
