// The commands that look at recorded runs: runs, show, diff, export, report, replay.
#include <fmt/format.h>

#include <optional>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/llm_wiring.h"
#include "cli/report_file.h"
#include "cli/run_reader.h"
#include "cli/wiring.h"
#include "engine/engine.h"
#include "report/diff.h"
#include "report/show.h"
#include "store/run_folder.h"

namespace ks {
namespace {

// Runs `command`, prints what it returns or its error.
template <typename Command>
int Print(const Console& console, Command command) {
  const Result<std::string> text = command();
  if (!text.ok()) return console.Fail(text.error());
  console.Out(*text);
  return kExitFine;
}

Result<std::string> ShowRun(const ShowOptions& options, const Style& style) {
  KS_ASSIGN_OR_RETURN(const RecordedRun run, ReadRun(options.run_dir));
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Archive> archive, ArchiveOf(run));
  const ShowInput input{&run.view,       run.dir,         archive->Cells(),
                        archive->axes(), archive->Hash(), ComparisonOf(run.dir)};
  return options.json ? ShowJson(input) + "\n" : ShowText(input, style);
}

Result<std::string> ListOfRuns(const RunsOptions& options, const Style& style) {
  const PosixFileSystem files;
  if (options.folder == RunsOptions{}.folder && !files.IsDir(options.folder)) {
    return options.json ? RunsJson({}) + "\n"
                        : std::string("no runs here yet; try: ksmith evolve matmul --minutes 2\n");
  }
  KS_ASSIGN_OR_RETURN(const std::vector<RunFolder> folders, ListRuns(files, options.folder));
  std::vector<RunListing> listings;
  for (const RunFolder& folder : folders) {
    RunListing listing;
    listing.dir = folder.path();
    Result<RecordedRun> run = ReadRun(folder.path());
    if (run.ok()) {
      listing.view = std::move(run->view);
    } else {
      listing.problem = run.error().message;
    }
    listings.push_back(std::move(listing));
  }
  return options.json ? RunsJson(listings) + "\n" : RunsTable(listings, style);
}

Result<std::string> DiffOfRun(const DiffOptions& options, const Style& style) {
  KS_ASSIGN_OR_RETURN(const RecordedRun run, ReadRun(options.run_dir));
  KS_ASSIGN_OR_RETURN(const CandidateId from, FindCandidate(run, options.from));
  KS_ASSIGN_OR_RETURN(const CandidateId to, FindCandidate(run, options.to));
  KS_ASSIGN_OR_RETURN(const std::string before, run.store->GetSource(run.SourceHashOf(from)));
  KS_ASSIGN_OR_RETURN(const std::string after, run.store->GetSource(run.SourceHashOf(to)));
  const std::string diff =
      UnifiedDiff(before, after, CandidateName(from), CandidateName(to), style);
  if (!diff.empty()) return diff;
  return fmt::format("{} and {} have the same source\n", CandidateName(from), CandidateName(to));
}

Status ExportEvents(const RecordedRun& run, const std::string& file) {
  std::string lines;
  for (const Event& event : run.events) lines += EventToJson(event) + "\n";
  return PosixFileSystem().WriteAtomically(file, lines);
}

Result<std::string> ExportOfRun(const ExportOptions& options) {
  KS_ASSIGN_OR_RETURN(const RecordedRun run, ReadRun(options.run_dir));
  std::string events;
  if (!options.events_file.empty()) {
    KS_RETURN_IF_ERROR(ExportEvents(run, options.events_file));
    events = fmt::format("wrote {} events to {}\n", run.events.size(), options.events_file);
    if (options.file.empty()) return events;
  }
  KS_ASSIGN_OR_RETURN(const CandidateId id, FindCandidate(run, options.candidate));
  KS_ASSIGN_OR_RETURN(const std::string source, run.store->GetSource(run.SourceHashOf(id)));
  PosixFileSystem files;
  KS_RETURN_IF_ERROR(files.WriteAtomically(options.file, source));
  return events + fmt::format("wrote {} to {}\n", CandidateName(id), options.file);
}

Result<std::string> ReportOfRun(const ReportOptions& options) {
  KS_ASSIGN_OR_RETURN(const RecordedRun run, ReadRun(options.run_dir));
  const std::string path =
      options.file.empty() ? RunFolder(options.run_dir).ReportPath() : options.file;
  KS_RETURN_IF_ERROR(WriteReportFile(run, path));
  return fmt::format("wrote {}\n", path);
}

// Task and machine as recorded; nothing is ever evaluated.
class RecordedContext final : public Evaluator {
 public:
  RecordedContext(Task task, Machine machine)
      : task_(std::move(task)), machine_(std::move(machine)) {}
  Result<Evaluation> Evaluate(const EvaluationRequest&, std::stop_token) override {
    return Error{ErrorCode::kInternal, "a replay evaluates nothing"};
  }
  const Task& task() const override { return task_; }
  const Machine& machine() const override { return machine_; }

 private:
  const Task task_;
  const Machine machine_;
};

Result<ReplayReport> ReplayRun(const RecordedRun& run, std::stop_token stop) {
  const RunStarted& started = run.view.started;
  KS_ASSIGN_OR_RETURN(const Task opened, OpenRecordedTask(started));
  const bool on_gpu = started.machine.device && !started.machine.device->is_cpu;
  Task task = ForDeviceClass(opened, on_gpu ? "gpu" : "cpu");  // as the run saw it
  RunConfig config = run.config;
  if (IsLlmProposer(config.proposer)) {  // no model is asked again
    config.proposer = "replay";
    config.llm.answers = run.dir;
  }
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<Proposer> proposer, MakeProposer(config, {}));
  RecordedContext context(std::move(task), started.machine);
  const std::unique_ptr<Archive> recorded = MakeArchive(run.config);
  const std::unique_ptr<Archive> replayed = MakeArchive(run.config);
  const SystemClock clock;
  KS_ASSIGN_OR_RETURN(
      const std::unique_ptr<Novelty> novelty,
      MakeNovelty(run.config, {.store = run.store.get(), .record = run.events, .asks = false}));
  const EngineParts parts{context, *proposer,        *recorded, *run.store,   clock,
                          {},      NormalizedSource, {},        novelty.get()};
  const RunIdentity identity{started.run_id, started.version, started.config_json,
                             started.config_hash};
  return ReplaySearch(run.config, identity, parts, *replayed, std::move(stop));
}

}  // namespace

int Runs(const RunsOptions& options, const Console& console) {
  return Print(console, [&] { return ListOfRuns(options, console.style); });
}

int Show(const ShowOptions& options, const Console& console) {
  return Print(console, [&] { return ShowRun(options, console.style); });
}

int Diff(const DiffOptions& options, const Console& console) {
  return Print(console, [&] { return DiffOfRun(options, console.style); });
}

int Export(const ExportOptions& options, const Console& console) {
  return Print(console, [&] { return ExportOfRun(options); });
}

int WriteReport(const ReportOptions& options, const Console& console) {
  return Print(console, [&] { return ReportOfRun(options); });
}

int Replay(const ReplayOptions& options, const Console& console) {
  const InterruptGuard interrupt("\n");
  const Result<RecordedRun> run = ReadRun(options.run_dir);
  if (!run.ok()) return console.Fail(run.error());
  const Result<ReplayReport> report = ReplayRun(*run, interrupt.token());
  if (!report.ok()) return console.Fail(report.error());
  console.Out(fmt::format("recorded archive {}\nreplayed archive {}\n", report->recorded_hash,
                          report->replayed_hash));
  if (report->same) {
    console.Out(fmt::format("same: {} proposals and the archive\n", report->proposals));
    return kExitFine;
  }
  console.Err(fmt::format("ksmith: the replay differs: {}\n", report->first_difference));
  return kExitFailed;
}

}  // namespace ks
