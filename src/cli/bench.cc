// `ksmith bench`: a suite under a published protocol, one search and one final verdict a task.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "backend/torch/module_backend.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/bench_answer.h"
#include "cli/bench_plan.h"
#include "cli/bench_progress.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/modules.h"
#include "cli/run_reader.h"
#include "cli/search_folder.h"
#include "cli/search_target.h"
#include "cli/share_out.h"
#include "cli/version.h"
#include "store/run_folder.h"

namespace ks {
namespace {

class Benchmarking {
 public:
  Benchmarking(const BenchPlan& plan, const RemoteService& service, ModuleDevices& modules,
               BenchProgress& progress, std::stop_token stop)
      : plan_(plan),
        service_(service),
        modules_(modules),
        progress_(progress),
        stop_(std::move(stop)) {
    results_.resize(plan.tasks.size());
  }

  void RunAll() {
    std::vector<SharedJob> jobs;
    std::vector<size_t> tasks;  // of each job
    for (size_t i = 0; i < plan_.tasks.size(); ++i) {
      // What is judged is only read.
      const bool judged = PosixFileSystem().IsFile(AnswerPath(plan_.tasks[i].options.run_dir));
      const std::optional<int> begun_on = judged ? std::nullopt : DeviceOf(plan_.tasks[i]);
      if (begun_on && std::ranges::find(plan_.lanes, *begun_on) == plan_.lanes.end()) {
        Keep(i, 0, 0,
             Failed(plan_.tasks[i],
                    fmt::format("it was begun on device {0}: add {0} to --devices", *begun_on)));
        continue;
      }
      jobs.push_back({begun_on});
      tasks.push_back(i);
    }
    const auto work = [&](size_t job, size_t lane) { RunTask(tasks[job], lane); };
    ShareOut(jobs, plan_.lanes, work, stop_);
    progress_.Close();
  }

  BenchInput Input() const {
    BenchInput input;
    input.suite = plan_.suite.name;
    input.protocol = plan_.protocol;
    input.backend = plan_.config.backend;
    input.proposer = plan_.config.proposer;
    input.config_hash = plan_.config_hash;
    input.budget = plan_.budget;
    input.trials = plan_.trials;
    input.deviations = plan_.deviations;
    input.baseline = names_.baseline();
    input.baseline_notes = {
        {names_.start, "where each search began: the fastest of the seeds and their flags"},
        {names_.seed, "the program of the suite exactly as it is written"}};
    if (input.backend == kTorchBackend) {
      input.baseline_notes[kCallByCallBaseline] =
          "the program of the suite, both timed by calls from Python and not as CUDA graphs";
      input.baseline_notes[kCompiledBaseline] = "what torch.compile makes of the program";
    }
    const auto ended_early = std::ranges::count_if(
        results_, [](const auto& result) { return result && result->stop_reason == "budget"; });
    if (ended_early > 0) {
      input.deviations.push_back(fmt::format("{} searches ended at a budget", ended_early));
    }
    input.level_names = plan_.suite.level_names;
    input.machine = machine_;
    input.version = kVersion;
    input.unix_ms = clock_.UnixMs();
    input.planned = plan_.tasks.size();
    for (const std::optional<BenchedTask>& result : results_) {
      if (result) input.tasks.push_back(*result);
    }
    for (const LeftOutTask& task : plan_.suite.left_out) {
      input.left_out.push_back({task.level, task.name, task.reason});
    }
    JoinEqualBaselines(input);
    return input;
  }

 private:
  // Where the recorded search of a task must go on; nothing: there is none yet, or a service
  // evaluates.
  std::optional<int> DeviceOf(const PlannedTask& planned) const {
    if (!service_.url.empty()) return std::nullopt;
    const Result<RecordedStart> start = ReadStart(planned.options.run_dir);
    if (!start.ok()) return std::nullopt;
    return start->config.device;
  }

  BenchedTask Blank(const PlannedTask& planned) const {
    BenchedTask task;
    task.name = planned.task.name;
    task.level = planned.task.level;
    task.precision = planned.task.precision;
    task.run_dir = planned.options.run_dir;
    return task;
  }

  BenchedTask Failed(const PlannedTask& planned, const std::string& why) const {
    BenchedTask task = Blank(planned);
    task.reason = why;
    return task;
  }

  void RunTask(size_t index, size_t lane) {
    const int64_t start_ns = clock_.MonotonicNs();
    std::optional<BenchedTask> task = Search(plan_.tasks[index], lane);
    if (!task) return;
    const double took_s = static_cast<double>(clock_.MonotonicNs() - start_ns) * 1e-9;
    Keep(index, lane, took_s, *std::move(task));
  }

  // Nothing: it was stopped on the way.
  std::optional<BenchedTask> Search(const PlannedTask& planned, size_t lane) {
    EvolveOptions options = planned.options;
    options.modules = &modules_;
    if (service_.url.empty()) options.device = plan_.lanes[lane];
    const std::unique_ptr<Observer> watch = progress_.Watch(lane, planned.task.name);
    const Result<RecordedRun> recorded = SearchInFolder(options, "", {watch.get()}, stop_);
    if (!recorded.ok()) return FailedOrStopped(planned, recorded.error());
    NoteMachine(recorded->view.started.machine);
    progress_.Judging(lane, planned.task.name);
    const Result<FinalAnswer> answer =
        AnswerOf(*recorded, plan_.trials, service_, &modules_, stop_);
    if (stop_.stop_requested() && !answer.ok()) return std::nullopt;
    BenchedTask task = Blank(planned);
    FillFrom(*recorded, names_, task);
    if (answer.ok()) {
      FillFrom(*answer, names_, task);
    } else {
      task.reason = answer.error().message;
    }
    return task;
  }

  std::optional<BenchedTask> FailedOrStopped(const PlannedTask& planned, const Error& error) const {
    if (error.code == ErrorCode::kCancelled || stop_.stop_requested()) return std::nullopt;
    return Failed(planned, error.message);
  }

  void NoteMachine(const Machine& machine) {
    const std::lock_guard<std::mutex> lock(mutex_);
    machine_ = machine.device ? machine.device->name : machine.cpu;
  }

  void Keep(size_t index, size_t lane, double took_s, BenchedTask task) {
    progress_.Done(lane, task, took_s);
    const std::lock_guard<std::mutex> lock(mutex_);
    results_[index] = std::move(task);
  }

  // Where all searches began from the seed as written, the two baselines are one.
  void JoinEqualBaselines(BenchInput& input) const {
    for (const BenchedTask& task : input.tasks) {
      if (task.state != AnswerState::kCorrect) continue;
      const auto other = task.baselines.find(names_.other());
      if (other == task.baselines.end() || !(other->second == task.speedup)) return;
    }
    for (BenchedTask& task : input.tasks) task.baselines.erase(names_.other());
    input.baseline = names_.seed;
    input.baseline_notes.erase(names_.start);
  }

  const BenchPlan& plan_;
  const BaselineNames names_ = BaselineNamesOf(plan_.config.backend);
  const RemoteService& service_;
  ModuleDevices& modules_;  // what its searches share
  BenchProgress& progress_;
  const std::stop_token stop_;
  const SystemClock clock_;
  std::mutex mutex_;
  std::vector<std::optional<BenchedTask>> results_;  // as the tasks; guarded by mutex_ in RunAll
  std::string machine_;                              // guarded by mutex_ in RunAll
};

// Whether the searches can be done at all, before anything is written: the first task on every
// device. Nothing is opened when all verdicts are there already.
Status CheckDevices(const BenchPlan& plan, const RemoteService& service, ModuleDevices& modules,
                    std::stop_token stop) {
  const PosixFileSystem files;
  const bool done = std::ranges::all_of(plan.tasks, [&](const PlannedTask& planned) {
    return files.IsFile(AnswerPath(planned.options.run_dir));
  });
  if (done) return {};
  KS_ASSIGN_OR_RETURN(const Task task,
                      OpenSearchTask(plan.tasks.front().task.opened_by, plan.config.backend));
  for (const int device : std::set<int>(plan.lanes.begin(), plan.lanes.end())) {
    if (!service.url.empty() && device > 0) break;  // the same service
    RunConfig config = plan.config;
    config.device = device;
    const auto target = OpenSearchTarget(task, config, service, &modules, stop);
    if (!target.ok()) return target.error();
  }
  return {};
}

Result<std::string> WriteBenchmark(const BenchOptions& options, const BenchInput& input,
                                   const Style& style) {
  const BenchSummary summary = Summarize(input);
  PosixFileSystem files;
  const std::string json = BenchJson(input, summary);
  const std::string html = BenchHtml(input, summary);
  KS_RETURN_IF_ERROR(files.WriteAtomically(options.out_dir + "/bench.json", json));
  KS_RETURN_IF_ERROR(files.WriteAtomically(options.out_dir + "/bench.html", html));
  if (!options.html_file.empty()) {
    KS_RETURN_IF_ERROR(files.WriteAtomically(options.html_file, html));
  }
  if (options.json) return json;
  return BenchText(input, summary, style) +
         fmt::format(
             "\nreport    {0}/bench.html\ndata      {0}/bench.json\n"
             "more      ksmith show | diff | report {1}\n",
             options.out_dir, input.tasks.front().run_dir);
}

BenchProgressOptions ProgressOptionsOf(const BenchPlan& plan, bool remote, const Console& console) {
  BenchProgressOptions options;
  options.sink = [&console](std::string_view text) { console.Err(text); };
  options.terminal = console.terminal;
  options.columns = [&console] { return console.columns(); };
  options.style = console.style;
  options.planned = plan.tasks.size();
  options.lanes = plan.lanes;
  options.named_devices = !remote;
  options.rounds = plan.rounds;
  return options;
}

// Every task that could be searched is a result; only a benchmark without any is a failure.
int ExitOf(const BenchInput& input) {
  if (input.tasks.size() < input.planned) return kExitFailed;
  const bool any = std::ranges::any_of(
      input.tasks, [](const BenchedTask& task) { return task.state != AnswerState::kFailed; });
  return any ? kExitFine : kExitFailed;
}

}  // namespace

int Bench(const BenchOptions& options, const Console& console) {
  const InterruptGuard interrupt("\nksmith: ended at once; the same command goes on\n");
  const Result<BenchPlan> plan = PlanBenchmark(options);
  if (!plan.ok()) return console.Fail(plan.error());
  ModuleDevices modules;
  if (const Status fine = CheckDevices(*plan, options.service, modules, interrupt.token());
      !fine.ok()) {
    return console.Fail(fine.error());
  }
  const Result<RunLock> claimed = ClaimFolder(
      options.out_dir, [&](const std::string& earlier) { return BenchProtocolOf(*plan, earlier); });
  if (!claimed.ok()) return console.Fail(claimed.error());
  BenchProgress progress(ProgressOptionsOf(*plan, !options.service.url.empty(), console));
  Benchmarking benchmarking(*plan, options.service, modules, progress, interrupt.token());
  benchmarking.RunAll();
  const BenchInput input = benchmarking.Input();
  if (input.tasks.empty()) {
    console.Err("ksmith: stopped before any task was done; the same command goes on\n");
    return kExitFailed;
  }
  const Result<std::string> written = WriteBenchmark(options, input, console.style);
  if (!written.ok()) return console.Fail(written.error());
  console.Out(*written);
  if (input.tasks.size() < input.planned) {
    console.Err(fmt::format("ksmith: stopped after {} of {} tasks; the same command goes on\n",
                            input.tasks.size(), input.planned));
  }
  return ExitOf(input);
}

}  // namespace ks
