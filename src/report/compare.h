// Search configurations side by side: distributions over seeds, never the best of several runs.
#ifndef KS_REPORT_COMPARE_H_
#define KS_REPORT_COMPARE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "core/outcome.h"
#include "core/run_view.h"
#include "report/style.h"
#include "report/summary.h"

namespace ks {

// One search of one configuration.
struct ComparedRun {
  std::string config;  // name
  std::string task;
  uint64_t seed = 0;
  std::string run_dir;
  Interval best;  // speed-up over the baseline; all zero: the run failed or got no result
  std::vector<ProgressPoint> progress;
  int64_t evaluations = 0;  // after the baseline was chosen
  double seconds = 0;       // of the whole run
  double cost_usd = 0;
  int64_t tokens = 0;  // read and written by models
  std::string stop_reason;
  std::string error;  // why there is no result; empty: there is one
};
// ERRORS: none; a run without a measured best gets `error`.
ComparedRun ComparedRunOf(const std::string& config, const std::string& run_dir,
                          const RunView& view);

struct ComparedConfig {
  std::string name;
  std::string proposer;
  std::string hash;  // of the configuration, limits left out
};

struct CompareInput {
  std::vector<ComparedConfig> configs;
  std::vector<std::string> tasks;
  std::vector<uint64_t> seeds;
  std::string budget;  // "40 steps", for people
  std::string machine;
  std::string version;
  int64_t unix_ms = 0;
  std::vector<ComparedRun> runs;  // at most one of each (config, task, seed)
};

// Five numbers of the speed-ups of one configuration on one task. A failed run counts as 1.
struct Spread {
  int runs = 0;
  int failed = 0;
  double least = 0, lower = 0, median = 0, upper = 0,
         most = 0;  // quartiles by linear interpolation
};

// Two configurations against each other.
struct Duel {
  size_t a = 0, b = 0;         // indices of the configurations
  int wins = 0;                // tasks on which a is better: rank-sum test over seeds, p < 0.05
  int losses = 0;              // tasks on which b is
  int ties = 0;                // neither
  std::vector<double> task_p;  // two-sided, by task; 1 where one of them has no run
  Interval ratio;              // geometric mean over tasks and seeds, a over b, 95 %
  double p = 1;                // signed-rank test over tasks, of the log ratio of their means
  double p_corrected = 1;      // Holm, over all duels
};

struct ConfigTotals {
  double geometric_mean = 0;  // of the medians of all tasks
  int64_t evaluations = 0;    // after the baseline was chosen
  double seconds = 0;         // of the whole run
  double cost_usd = 0;
  int64_t tokens = 0;
  int failed = 0;
};

struct Comparison {
  std::vector<std::vector<Spread>> spreads;  // [config][task]
  std::vector<ConfigTotals> totals;          // by config
  std::vector<Duel> duels;                   // every pair, a < b
};
// Deterministic.
Comparison Compare(const CompareInput& input);

// Seeds below which the rank-sum test can never reach p < 0.05: no task is won or lost then.
inline constexpr size_t kLeastSeeds = 4;

std::string CompareText(const CompareInput& input, const Comparison& comparison,
                        const Style& style);
// docs/json_output.md, "compare".
std::string CompareJson(const CompareInput& input, const Comparison& comparison);
// One self-contained page: table, duels, curves with bands.
std::string CompareHtml(const CompareInput& input, const Comparison& comparison);

}  // namespace ks

#endif  // KS_REPORT_COMPARE_H_
