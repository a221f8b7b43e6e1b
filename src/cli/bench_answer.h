// The final answer of a search, judged anew: what a benchmark reports of a task.
#ifndef KS_CLI_BENCH_ANSWER_H_
#define KS_CLI_BENCH_ANSWER_H_

#include <optional>
#include <stop_token>
#include <string>

#include "cli/options.h"
#include "cli/run_reader.h"
#include "core/evaluation.h"
#include "report/bench.h"

namespace ks {

struct FinalAnswer {
  std::string source_hash;              // of the program that was judged
  int trials = 0;                       // over the check workloads
  bool unchanged = false;               // it is the baseline itself: checked, not timed
  std::string precision;                // that the contract of the task allows
  Evaluation evaluation;                // against the baseline of the run
  std::optional<Evaluation> over_seed;  // against the seed as written, where that is another one
  // A module that was timed as a CUDA graph: the same against the seed, call by call.
  std::optional<Evaluation> call_by_call;
  // A module: against what torch.compile makes of it.
  std::optional<Evaluation> over_compiled;
  double seconds = 0;  // it took
};

// Where the verdict on a run's program is kept.
std::string AnswerPath(const std::string& run_dir);

// The verdict on the best program of a search that is over: the one in the run's folder, if it is
// there and of this search and so many trials; else judged and kept, beside the program, with
// `trials` correctness trials and three times the measuring budget of a candidate, on the device of
// the search or by `service`; `modules` as in OpenSearchTarget. ERRORS: kFailedPrecondition (no
// program was measured, or the task has changed since it was searched); kCancelled; the
// evaluator's; the file system's.
Result<FinalAnswer> AnswerOf(const RecordedRun& run, int trials, const RemoteService& service,
                             ModuleDevices* modules, std::stop_token stop);

// As kept in a file. ERRORS: kDataLoss.
std::string FinalAnswerToJson(const FinalAnswer& answer);
Result<FinalAnswer> FinalAnswerFromJson(const std::string& json);

// What the answers of a suite are compared with: where their searches began (the fastest of the
// seeds and their flags), and the seed as written. One of them is the suite's baseline.
struct BaselineNames {
  std::string start;
  std::string seed;
  bool over_seed = false;  // speed-ups are over the seed, not over the start
  const std::string& baseline() const { return over_seed ? seed : start; }
  const std::string& other() const { return over_seed ? start : seed; }
};
// Kernels: over the start, because flags are no achievement. Modules: over eager, as published.
BaselineNames BaselineNamesOf(const std::string& backend);

// The seed once more, both sides timed without CUDA graphs.
inline constexpr const char* kCallByCallBaseline = "eager, call by call";

// What torch.compile makes of a module.
inline constexpr const char* kCompiledBaseline = "torch.compile";

// Fills in what the search and its answer say; name, level and run folder are the caller's.
void FillFrom(const RecordedRun& run, const BaselineNames& names, BenchedTask& task);
void FillFrom(const FinalAnswer& answer, const BaselineNames& names, BenchedTask& task);

}  // namespace ks

#endif  // KS_CLI_BENCH_ANSWER_H_
