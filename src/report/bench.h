// A suite searched under one protocol: what was reached on each task, and the published metrics.
#ifndef KS_REPORT_BENCH_H_
#define KS_REPORT_BENCH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/outcome.h"
#include "measure/protocol_metrics.h"
#include "report/style.h"
#include "report/summary.h"

namespace ks {

// Least share of the device's time in own kernels of an answer that does not lean on libraries.
inline constexpr double kOwnKernelCoverage = 0.3;

enum class AnswerState {
  kCorrect,
  kWrong,   // the final answer did not pass; counts 0
  kFailed,  // there is no final answer: the search or its evaluation could not be done; counts 0
};
// "correct", "wrong", "failed".
const char* AnswerStateName(AnswerState state);

// One task of the suite. Its speed-ups come from the evaluation of the final answer, not from the
// search.
struct BenchedTask {
  std::string name;
  int level = 1;
  std::string precision;  // that the contract allows; empty: not known
  std::string run_dir;
  AnswerState state = AnswerState::kFailed;
  std::string outcome;  // of the final evaluation: "measured", ...; empty: it came to none
  std::string reason;   // why it counts 0; empty when it is correct
  Interval speedup;     // over the suite's baseline; all zero when it is not correct
  // Over further baselines, by name, where the final evaluation has them.
  std::map<std::string, Interval> baselines;
  std::optional<double> coverage;       // share of the device's time in own kernels, 0..1
  Interval in_search;                   // what the search believed
  bool unchanged = false;               // nothing better than where the search began was found
  double start = 1;                     // where it began, over the suite's baseline
  std::vector<ProgressPoint> progress;  // over the suite's baseline
  int64_t rounds = 0;                   // proposals that were judged
  double seconds = 0;                   // of the search and the final evaluation
  double device_seconds = 0;            // checking and timing
  double compile_seconds = 0;           // compiling
  double cost_usd = 0;                  // paid for models
  int64_t tokens = 0;
  std::string stop_reason;  // of the search
};

struct LeftOut {
  int level = 1;
  std::string name;
  std::string reason;
};

struct BenchInput {
  std::string suite;
  std::string protocol;  // "paper"
  std::string backend;
  std::string proposer;
  std::string config_hash;              // of the searches, seeds and limits left out
  std::string budget;                   // of one search: "40 rounds", for people
  int trials = 0;                       // of the final answer
  std::vector<std::string> deviations;  // from the protocol, for people
  std::string baseline;                 // what `speedup` is over: a name as in `baselines`
  // What is known of the further baselines, by name, for people. Keys of BenchedTask::baselines.
  std::map<std::string, std::string> baseline_notes;
  std::map<int, std::string> level_names;
  std::string machine;
  std::string version;
  int64_t unix_ms = 0;
  size_t planned = 0;  // tasks; fewer are in `tasks` when it was stopped
  std::vector<BenchedTask> tasks;
  std::vector<LeftOut> left_out;  // of the suite, but not searched

  std::string LevelName(int level) const;
};

// The metrics of one way to look at the answers.
struct BenchSlice {
  std::string baseline;
  bool own_kernels = false;  // answers with less coverage than kOwnKernelCoverage count as wrong
  std::string precision;     // only tasks of this one; empty: all
  int without_baseline = 0;  // correct answers that were not compared with it; left out
  ProtocolMetrics metrics;
  // With every speed-up at the low, and at the high end of its interval.
  ProtocolMetrics at_low, at_high;
  std::vector<std::pair<double, double>> fast_p;  // (p, share of all tasks), p ascending
};

// Mean over tasks of the best speed-up so far; a task without correct answer counts 0.
struct BenchCurve {
  std::string name;          // of a level; "macro": mean of the levels
  std::vector<double> mean;  // by round; [0] is before the first
};

struct BenchSummary {
  // The suite's baseline first; then the others, own kernels only, each precision where there are
  // several.
  std::vector<BenchSlice> slices;
  std::vector<BenchCurve> curves;  // levels ascending; macro last where there are several
};
// Deterministic. A task that is not there (a stopped benchmark) is not counted.
BenchSummary Summarize(const BenchInput& input);

// What a task contributes to the metrics: its ratio to `baseline`, counted as `slice` says.
// Nothing: it is not of the slice.
std::optional<std::pair<SuiteResult, Interval>> ResultIn(const BenchInput& input,
                                                         const BenchSlice& slice,
                                                         const BenchedTask& task);

std::string BenchText(const BenchInput& input, const BenchSummary& summary, const Style& style);
// docs/json_output.md, "bench".
std::string BenchJson(const BenchInput& input, const BenchSummary& summary);
// One self-contained page.
std::string BenchHtml(const BenchInput& input, const BenchSummary& summary);

}  // namespace ks

#endif  // KS_REPORT_BENCH_H_
