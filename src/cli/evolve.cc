// `ksmith evolve`: a new run, or a resumed one.
#include "cli/evolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "cli/baseline.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/llm_wiring.h"
#include "cli/modules.h"
#include "cli/presets.h"
#include "cli/report_file.h"
#include "cli/run_reader.h"
#include "cli/search_target.h"
#include "cli/version.h"
#include "cli/wiring.h"
#include "core/kernel_source.h"
#include "engine/engine.h"
#include "report/numbers.h"
#include "report/progress.h"
#include "store/run_folder.h"
#include "store/run_lock.h"
#include "store/sqlite_store.h"

namespace ks {
namespace {

constexpr double kDefaultMinutes = 5;

// A run about to start or to go on; parts are destroyed in reverse order.
struct OpenRun {
  std::string dir;
  bool resumed = false;
  bool made_folder = false;
  RunConfig config;
  RunIdentity identity;
  int64_t recorded_events = 0;
  std::unique_ptr<SearchTarget> target;
  std::unique_ptr<Proposer> proposer;
  std::unique_ptr<Archive> archive;
  std::optional<RunLock> lock;
  std::unique_ptr<SqliteStore> store;
};

void ApplyLimits(const EvolveOptions& options, RunConfig& config) {
  if (options.workers) config.workers = *options.workers;
  if (options.steps || options.minutes || options.until) {  // they replace all earlier ones
    config.max_steps = options.steps.value_or(0);
    config.max_minutes = options.minutes.value_or(0);
    config.until_speedup = options.until.value_or(0);
  }
  if (options.llm.budget_usd) config.llm.budget_usd = *options.llm.budget_usd;
  if (options.llm.budget_tokens) config.llm.budget_tokens = *options.llm.budget_tokens;
  if (options.llm.budget_calls) config.llm.budget_calls = *options.llm.budget_calls;
}

// A relative path as it means now, so that a resumed run finds it from anywhere.
void MakeAbsolute(std::string& path) {
  if (!path.empty()) path = std::filesystem::absolute(path).lexically_normal().string();
}

void ApplyModel(const ModelOptions& options, LlmConfig& llm) {
  if (!options.server.empty()) {  // it takes the place of those of the file
    ModelConfig model;
    model.name = options.model;
    model.url = options.server;
    model.key_env = options.key_env;
    model.key_file = options.key_file;
    llm.models = {std::move(model)};
  }
  if (!options.answers.empty()) llm.answers = options.answers;
  for (std::string* path : {&llm.templates, &llm.answers, &llm.ca_file}) MakeAbsolute(*path);
  for (ModelConfig& model : llm.models) MakeAbsolute(model.key_file);
}

}  // namespace

std::string NewRunDir(const std::string& name, const Clock& clock, const FileSystem& files) {
  const std::string stem = fmt::format("runs/{}-{}", name, FormatUtc(clock.UnixMs()).substr(0, 10));
  int number = 1;
  while (files.IsDir(fmt::format("{}-{}", stem, number))) ++number;
  return fmt::format("{}-{}", stem, number);
}

bool UsedItsBudget(const std::string& stop_reason) {
  return stop_reason == "steps" || stop_reason == "minutes" || stop_reason == "until" ||
         stop_reason == "exhausted" || stop_reason == "budget";
}

Result<RunConfig> ConfigOf(const EvolveOptions& options) {
  RunConfig config;
  if (options.backend == kTorchBackend) config.in_flight = config.workers = kModulesInFlight;
  if (!options.preset.empty()) {
    KS_ASSIGN_OR_RETURN(config, ConfigFromPreset(options.preset));
  }
  if (!options.config_file.empty()) {
    KS_ASSIGN_OR_RETURN(config, ReadConfigFile(options.config_file, std::move(config)));
  }
  if (options.backend) config.backend = *options.backend;
  if (options.device) config.device = *options.device;
  if (options.proposer) config.proposer = *options.proposer;
  if (options.seed) config.seed = *options.seed;
  if (options.jobs) config.in_flight = config.workers = *options.jobs;
  ApplyModel(options.llm, config.llm);
  MakeAbsolute(config.novelty.embedding_key_file);
  ApplyLimits(options, config);
  if (config.max_steps == 0 && config.max_minutes == 0 && config.until_speedup == 0) {
    config.max_minutes = kDefaultMinutes;
  }
  return config;
}

namespace {

// Where a resumed run finds the task again: an absolute folder, the file of a module, or empty for
// one of the library.
std::string TaskOrigin(const Task& task, const std::string& backend) {
  if (backend != kTorchBackend && !PosixFileSystem().IsDir(task.origin)) return "";
  return std::filesystem::absolute(task.origin).lexically_normal().string();
}

Status OpenParts(const Task& task, const EvolveOptions& options, std::stop_token stop,
                 OpenRun& run) {
  // Keys, templates and names are looked at before anything is written; Search makes the real one.
  if (const auto proposer = MakeProposer(run.config, {}); !proposer.ok()) return proposer.error();
  if (const auto novelty = MakeNovelty(run.config, {}); !novelty.ok()) return novelty.error();
  KS_ASSIGN_OR_RETURN(run.target, OpenSearchTarget(task, run.config, options.service,
                                                   options.modules, std::move(stop)));
  run.archive = MakeArchive(run.config);
  return {};
}

Status OpenNew(const EvolveOptions& options, const Clock& clock, std::stop_token stop,
               OpenRun& run) {
  PosixFileSystem files;
  KS_ASSIGN_OR_RETURN(run.config, ConfigOf(options));
  KS_ASSIGN_OR_RETURN(const Task task,
                      OpenSearchTask(options.task, run.config.backend, options.seed_files));
  run.dir = options.run_dir.empty() ? NewRunDir(task.name, clock, files) : options.run_dir;
  const RunFolder folder(run.dir);
  if (HoldsRun(files, folder)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("'{0}' holds a run already; go on with it: ksmith evolve --resume {0}",
                             run.dir)};
  }
  KS_RETURN_IF_ERROR(OpenParts(task, options, std::move(stop), run));
  run.identity = {Sha256Hex(fmt::format("{}/{}/{}", run.dir, clock.UnixMs(), clock.MonotonicNs()))
                      .substr(0, 16),
                  kVersion, ConfigToJson(run.config, TaskOrigin(task, run.config.backend)),
                  ConfigHash(run.config), options.prior_skills};
  run.made_folder = !files.IsDir(run.dir);
  KS_RETURN_IF_ERROR(files.MakeDirs(run.dir));
  KS_ASSIGN_OR_RETURN(RunLock lock, RunLock::Acquire(folder.LockPath()));
  run.lock.emplace(std::move(lock));
  KS_ASSIGN_OR_RETURN(run.store, SqliteStore::Open(folder.DatabasePath(), StoreMode::kCreate));
  return {};
}

Status OpenRecorded(const EvolveOptions& options, std::stop_token stop, OpenRun& run) {
  KS_ASSIGN_OR_RETURN(const RecordedStart recorded, ReadStart(options.resume_dir));
  if (!options.preset.empty() || !options.config_file.empty() || options.seed || options.jobs ||
      options.backend || options.device || options.proposer || !options.llm.server.empty() ||
      !options.llm.answers.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "a resumed run keeps its configuration: only --steps, --minutes, --until, "
                 "--workers and the budgets may be given with --resume"};
  }
  const RunStarted& started = recorded.started;
  KS_ASSIGN_OR_RETURN(const Task task,
                      options.task.empty()
                          ? OpenRecordedTask(started)
                          : OpenSearchTask(options.task, started.backend, options.seed_files));
  run.dir = options.resume_dir;
  run.resumed = true;
  run.config = recorded.config;
  ApplyLimits(options, run.config);
  run.identity = {started.run_id, kVersion, started.config_json, started.config_hash,
                  started.prior_skills};
  const RunFolder folder(run.dir);
  KS_ASSIGN_OR_RETURN(RunLock lock, RunLock::Acquire(folder.LockPath()));
  run.lock.emplace(std::move(lock));
  KS_RETURN_IF_ERROR(OpenParts(task, options, std::move(stop), run));
  KS_ASSIGN_OR_RETURN(run.store, SqliteStore::Open(folder.DatabasePath(), StoreMode::kWrite));
  run.recorded_events = recorded.events;
  return {};
}

std::unique_ptr<Observer> MakeProgress(const OpenRun& run, const Console& console) {
  const ProgressGoal goal{run.config.max_steps, run.config.max_minutes, run.config.until_speedup};
  const TextSink sink = [&console](std::string_view text) { console.Out(text); };
  if (console.terminal) {
    return std::make_unique<LiveView>(
        sink, [&console] { return console.columns(); }, console.style, goal, run.recorded_events);
  }
  return std::make_unique<LineProgress>(sink, console.style, goal, run.recorded_events);
}

int64_t ProposalsIn(const std::vector<Event>& record) {
  return std::count_if(record.begin(), record.end(), [](const Event& event) {
    return std::holds_alternative<CandidateProposed>(event.body);
  });
}

using Warn = std::function<void(const std::string&)>;

Result<RunEnd> Search(OpenRun& run, const Clock& clock, const std::vector<Observer*>& observers,
                      const std::string& baseline, const Warn& warn, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(
      std::vector<std::string> variants,
      BaselineVariants(run.target->task, run.config.backend, run.target->evaluator->machine()));
  if (!baseline.empty()) {
    variants.resize(1);
    if (baseline != variants[0]) variants.push_back(baseline);
  }
  const bool asks_models = IsLlmProposer(run.config.proposer);
  LlmSetup setup;
  if (asks_models || !run.config.novelty.embedding_url.empty()) {
    KS_ASSIGN_OR_RETURN(setup.record, run.store->Read(0));
  }
  KS_ASSIGN_OR_RETURN(
      const std::unique_ptr<Novelty> novelty,
      MakeNovelty(run.config,
                  {.store = run.store.get(), .record = setup.record, .warn = warn, .stop = stop}));
  if (asks_models) {
    setup.store = run.store.get();
    setup.first_step = std::max(ProposalsIn(setup.record), static_cast<int64_t>(variants.size()));
  }
  KS_ASSIGN_OR_RETURN(run.proposer, MakeProposer(run.config, setup));
  const EngineParts parts{
      *run.target->evaluator, *run.proposer,       *run.archive, *run.store, clock, observers,
      NormalizedSource,       std::move(variants), novelty.get()};
  return RunSearch(run.config, run.identity, parts, std::move(stop));
}

// A run that never got a baseline is worth nothing: a folder made for it goes again.
void RemoveStillborn(OpenRun& run) {
  if (!run.made_folder || !run.store) return;
  const Result<std::vector<Event>> events = run.store->Read(0);
  if (!events.ok()) return;
  for (const Event& event : *events) {
    if (std::holds_alternative<BaselineChosen>(event.body)) return;
  }
  run.store.reset();
  PosixFileSystem files;
  if (!files.RemoveAll(run.dir).ok()) return;
}

// What was spent on models, or nothing.
std::string ModelsLine(const RunView& view) {
  double usd = 0;
  int64_t tokens = 0, proposals = 0, refused = 0;
  for (const CandidateView& candidate : view.candidates) {
    if (!candidate.proposed.use) continue;
    usd += candidate.proposed.use->cost_usd;
    tokens += candidate.proposed.use->prompt_tokens + candidate.proposed.use->answer_tokens;
    ++proposals;
    refused += candidate.proposed.refused ? 1 : 0;
  }
  if (proposals == 0) return "";
  return fmt::format("models    {} proposals, {} of them unusable; {} tokens, {:.4f} USD\n",
                     proposals, refused, tokens, usd);
}

// Report and best kernel beside the record, then the result in a few lines.
Status Finish(const OpenRun& run, const RunEnd& end, const Console& console) {
  KS_ASSIGN_OR_RETURN(const RecordedRun recorded, ReadRun(run.dir));
  const RunFolder folder(run.dir);
  KS_RETURN_IF_ERROR(WriteReportFile(recorded, folder.ReportPath()));
  const RunView& view = recorded.view;
  std::string text;
  if (view.best != kNoCandidate) {
    KS_ASSIGN_OR_RETURN(const std::string source,
                        run.store->GetSource(recorded.SourceHashOf(view.best)));
    PosixFileSystem files;
    const std::string best = folder.BestPath(SourceEnding(run.config.backend));
    KS_RETURN_IF_ERROR(files.WriteAtomically(best, source));
    text += fmt::format(
        "\nbest      {}  {} over the seed with its best flags, {} over the seed as written\n",
        CandidateName(view.best), FormatSpeedup(view.SpeedupOf(view.best)),
        FormatSpeedup(view.SpeedupOverSeed(view.best)));
    text += fmt::format("kernel    {}\n", best);
  }
  text += ModelsLine(view);
  text += fmt::format("report    {}\n", folder.ReportPath());
  text +=
      end.reason == "interrupted"
          ? fmt::format("stopped; to go on: ksmith evolve --resume {}\n", run.dir)
          : fmt::format("more      ksmith show {0} | diff {0} | evolve --resume {0} --minutes N\n",
                        run.dir);
  console.Out(text);
  return {};
}

Status Open(const EvolveOptions& options, const Clock& clock, std::stop_token stop, OpenRun& run) {
  return options.resume_dir.empty() ? OpenNew(options, clock, std::move(stop), run)
                                    : OpenRecorded(options, std::move(stop), run);
}

}  // namespace

Result<RunEnd> EvolveQuietly(const EvolveOptions& options, const std::string& baseline,
                             const std::vector<Observer*>& observers, std::stop_token stop) {
  const SystemClock clock;
  OpenRun run;
  KS_RETURN_IF_ERROR(Open(options, clock, stop, run));
  Result<RunEnd> end = Search(
      run, clock, observers, baseline, [](const std::string&) {}, stop);
  if (!end.ok()) RemoveStillborn(run);
  return end;
}

int EvolveShown(const EvolveOptions& options, const Console& console, std::stop_token stop) {
  const SystemClock clock;
  OpenRun run;
  const Status opened = Open(options, clock, stop, run);
  if (!opened.ok()) return console.Fail(opened.error());
  const std::unique_ptr<Observer> progress = MakeProgress(run, console);
  std::string warning;  // after the search: a live view owns the terminal
  const Result<RunEnd> end = Search(
      run, clock, {progress.get()}, "", [&](const std::string& text) { warning = text; },
      std::move(stop));
  if (!warning.empty()) console.Err(fmt::format("ksmith: {}\n", warning));
  if (!end.ok()) {
    RemoveStillborn(run);
    return console.Fail(end.error());
  }
  const Status finished = Finish(run, *end, console);
  return finished.ok() ? kExitFine : console.Fail(finished.error());
}

int Evolve(const EvolveOptions& options, const Console& console) {
  if (!options.tasks.empty()) return EvolveMany(options, console);
  const InterruptGuard interrupt("\nksmith: ended at once; the record is safe, --resume goes on\n");
  return EvolveShown(options, console, interrupt.token());
}

}  // namespace ks
