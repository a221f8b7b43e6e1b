// `ksmith compare`: search configurations under one budget and evaluator, over tasks and seeds.
#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/compare_plan.h"
#include "cli/evolve.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/run_reader.h"
#include "cli/version.h"
#include "report/numbers.h"
#include "store/run_folder.h"

namespace ks {
namespace {

constexpr size_t kMostProtocolBytes = 1u << 20;

// The folder belongs to this comparison, or becomes its own.
Status ClaimFolder(const std::string& folder, const ComparePlan& plan) {
  PosixFileSystem files;
  const std::string path = folder + "/protocol.json";
  const Result<std::string> there = files.Read(path, kMostProtocolBytes);
  if (!there.ok() && there.error().code != ErrorCode::kNotFound) return there.error();
  const Result<std::string> protocol = ProtocolOf(plan, there.ok() ? *there : "");
  if (!protocol.ok()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{}' cannot be gone on with: {}; take another folder with --out",
                             folder, protocol.error().message)};
  }
  if (there.ok() && *there == *protocol) return {};
  KS_RETURN_IF_ERROR(files.MakeDirs(folder));
  return files.WriteAtomically(path, *protocol);
}

class Comparing {
 public:
  Comparing(const ComparePlan& plan, const Console& console, std::stop_token stop)
      : plan_(plan), console_(console), stop_(std::move(stop)) {
    start_ns_ = clock_.MonotonicNs();
  }

  // False: stopped before all was done.
  bool RunAll() {
    for (const PlannedRun& planned : plan_.runs) {
      if (stop_.stop_requested()) return false;
      std::optional<ComparedRun> run = RunOne(planned);
      if (!run) return false;
      Tell(planned, *run);
      runs_.push_back(*std::move(run));
    }
    return true;
  }

  CompareInput Input() const {
    CompareInput input;
    input.configs = plan_.configs;
    input.tasks = plan_.tasks;
    input.seeds = plan_.seeds;
    input.budget = plan_.budget;
    input.machine = machine_;
    input.version = kVersion;
    input.unix_ms = clock_.UnixMs();
    input.runs = runs_;
    return input;
  }

 private:
  // Nothing: it was stopped on the way.
  std::optional<ComparedRun> RunOne(const PlannedRun& planned) {
    PosixFileSystem files;
    const std::string& dir = planned.options.run_dir;
    EvolveOptions options = planned.options;
    if (HoldsRun(files, RunFolder(dir))) {
      const Result<RecordedRun> recorded = ReadRun(dir);
      if (recorded.ok() && UsedItsBudget(recorded->view.stop_reason))
        return Take(planned, *recorded);
      options = {};
      options.resume_dir = dir;
      options.steps = planned.options.steps;
      options.minutes = planned.options.minutes;
      options.service = planned.options.service;
    }
    const Result<RunEnd> end = EvolveQuietly(options, baselines_[planned.task], stop_);
    if (stop_.stop_requested()) return std::nullopt;
    if (!end.ok()) return Failed(planned, end.error().message);
    const Result<RecordedRun> recorded = ReadRun(dir);
    return recorded.ok() ? Take(planned, *recorded) : Failed(planned, recorded.error().message);
  }

  ComparedRun Take(const PlannedRun& planned, const RecordedRun& recorded) {
    std::string& baseline = baselines_[planned.task];
    if (baseline.empty() && recorded.view.baseline != kNoCandidate) {
      const Result<std::string> source =
          recorded.store->GetSource(recorded.SourceHashOf(recorded.view.baseline));
      if (source.ok()) baseline = *source;
    }
    const Machine& machine = recorded.view.started.machine;
    machine_ = machine.device ? machine.device->name : machine.cpu;
    return ComparedRunOf(planned.config.name, planned.options.run_dir, recorded.view);
  }

  static ComparedRun Failed(const PlannedRun& planned, const std::string& why) {
    ComparedRun run;
    run.config = planned.config.name;
    run.task = planned.task;
    run.seed = *planned.options.seed;
    run.run_dir = planned.options.run_dir;
    run.error = why;
    return run;
  }

  void Tell(const PlannedRun& planned, const ComparedRun& run) const {
    const double elapsed = static_cast<double>(clock_.MonotonicNs() - start_ns_) * 1e-9;
    const size_t done = runs_.size() + 1;
    const double left =
        elapsed / static_cast<double>(done) * static_cast<double>(plan_.runs.size() - done);
    console_.Err(fmt::format(
        "[{:>{}}/{}] {:<18} seed {:<3} {:<14} {}   {} left\n", done,
        fmt::formatted_size("{}", plan_.runs.size()), plan_.runs.size(), run.task,
        *planned.options.seed, run.config,
        run.error.empty() ? FormatSpeedup(run.best) : "failed: " + PrintableLine(run.error),
        FormatSeconds(left)));
  }

  const ComparePlan& plan_;
  const Console& console_;
  std::stop_token stop_;
  SystemClock clock_;
  int64_t start_ns_ = 0;
  std::vector<ComparedRun> runs_;
  // By task: the seed with the flags that its first search found best. All others start from it.
  std::map<std::string, std::string> baselines_;
  std::string machine_;
};

Result<std::string> WriteResults(const CompareOptions& options, const CompareInput& input,
                                 const Style& style) {
  const Comparison comparison = Compare(input);
  PosixFileSystem files;
  const std::string json = CompareJson(input, comparison);
  KS_RETURN_IF_ERROR(files.WriteAtomically(options.out_dir + "/compare.json", json));
  KS_RETURN_IF_ERROR(
      files.WriteAtomically(options.out_dir + "/compare.html", CompareHtml(input, comparison)));
  if (options.json) return json;
  return CompareText(input, comparison, style) +
         fmt::format("\nreport    {0}/compare.html\ndata      {0}/compare.json\n", options.out_dir);
}

}  // namespace

int CompareConfigs(const CompareOptions& options, const Console& console) {
  const InterruptGuard interrupt("\nksmith: ended at once; the same command goes on\n");
  const Result<ComparePlan> plan = PlanComparison(options);
  if (!plan.ok()) return console.Fail(plan.error());
  if (const Status claimed = ClaimFolder(options.out_dir, *plan); !claimed.ok()) {
    return console.Fail(claimed.error());
  }
  Comparing comparing(*plan, console, interrupt.token());
  const bool complete = comparing.RunAll();
  const CompareInput input = comparing.Input();
  if (input.runs.empty()) {
    console.Err("ksmith: stopped before any search ended; the same command goes on\n");
    return kExitFailed;
  }
  const Result<std::string> written = WriteResults(options, input, console.style);
  if (!written.ok()) return console.Fail(written.error());
  console.Out(*written);
  if (!complete) {
    console.Err(fmt::format("ksmith: stopped after {} of {} searches; the same command goes on\n",
                            input.runs.size(), plan->runs.size()));
  }
  for (const ComparedRun& run : input.runs) {
    if (!run.error.empty()) return kExitFailed;
  }
  return complete ? kExitFine : kExitFailed;
}

}  // namespace ks
