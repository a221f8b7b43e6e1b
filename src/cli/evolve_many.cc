// `ksmith evolve A,B,C`: tasks one after the other that share what the skills did.
#include <fmt/format.h>

#include <stop_token>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/compare_plan.h"
#include "cli/evolve.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/run_reader.h"
#include "core/skill_record.h"
#include "report/show.h"
#include "report/summary.h"
#include "store/run_folder.h"

namespace ks {
namespace {

// Uses of a skill that count from other tasks, at most: so few that a run's own soon outweigh them.
constexpr int kMostPriorTries = 12;

SkillRecords RecordsIn(const RunView& view) {
  SkillRecords records;
  for (const CandidateView& candidate : view.candidates) {
    if (!candidate.evaluation || IsProbe(candidate)) continue;
    CountUse(candidate.evaluation->outcome, records[candidate.proposed.skill]);
  }
  return records;
}

// A run that goes on keeps its protocol and what it knew of skills when it began.
EvolveOptions Continued(const EvolveOptions& options, const std::string& dir) {
  EvolveOptions more;
  more.resume_dir = dir;
  more.steps = options.steps;
  more.minutes = options.minutes;
  more.until = options.until;
  more.workers = options.workers;
  more.llm.budget_usd = options.llm.budget_usd;
  more.llm.budget_tokens = options.llm.budget_tokens;
  more.llm.budget_calls = options.llm.budget_calls;
  more.service = options.service;
  return more;
}

// One task after the other; what was finished before is taken as it is.
class Series {
 public:
  Series(const EvolveOptions& options, std::string root, const Console& console,
         std::stop_token stop)
      : options_(options), root_(std::move(root)), console_(console), stop_(std::move(stop)) {}

  void RunOne(const NamedTask& task) {
    RunListing listing;
    listing.dir = root_ + "/" + task.name;
    RemoveUnbegun(listing.dir);
    Result<RecordedRun> run = ReadRun(listing.dir);
    if (!run.ok() || !UsedItsBudget(run->view.stop_reason)) {
      const EvolveOptions one =
          run.ok() ? Continued(options_, listing.dir) : New(task, listing.dir);
      failed_ |= EvolveShown(one, console_, stop_) != kExitFine;
      run = ReadRun(listing.dir);
    }
    if (run.ok()) {
      AddRecords(RecordsIn(run->view), known_);
      listing.view = std::move(run->view);
    } else {
      listing.problem = run.error().message;
    }
    listings_.push_back(std::move(listing));
  }
  const std::vector<RunListing>& listings() const { return listings_; }
  bool failed() const { return failed_; }

 private:
  // A run that was killed before its record began is begun anew.
  static void RemoveUnbegun(const std::string& dir) {
    PosixFileSystem files;
    if (!HoldsRun(files, RunFolder(dir))) return;
    const Result<bool> empty = IsEmptyRecord(dir);
    // What cannot be removed is said when the run is opened.
    if (empty.ok() && *empty) (void)files.RemoveAll(dir);
  }

  EvolveOptions New(const NamedTask& task, const std::string& dir) const {
    EvolveOptions one = options_;
    one.tasks.clear();
    one.task = task.opened_by;
    one.run_dir = dir;
    one.prior_skills = SkillRecordsToText(AsPrior(known_, kMostPriorTries));
    return one;
  }

  const EvolveOptions& options_;
  const std::string root_;
  const Console& console_;
  const std::stop_token stop_;
  SkillRecords known_;  // of the runs so far
  std::vector<RunListing> listings_;
  bool failed_ = false;
};

}  // namespace

int EvolveMany(const EvolveOptions& options, const Console& console) {
  const Result<RunConfig> config = ConfigOf(options);
  if (!config.ok()) return console.Fail(config.error());
  if (!options.seed_files.empty()) {
    return console.Fail({ErrorCode::kInvalidArgument,
                         "--seed-file is for one module: put the seeds of several into the folders "
                         "NAME.seeds beside them"});
  }
  const InterruptGuard interrupt(
      "\nksmith: ended at once; the records are safe, the same command with --run goes on\n");
  const std::stop_token stop = interrupt.token();
  const Result<std::vector<NamedTask>> tasks = NamedTasks(options.tasks, config->backend);
  if (!tasks.ok()) return console.Fail(tasks.error());
  const std::string root = options.run_dir.empty()
                               ? NewRunDir("tasks", SystemClock(), PosixFileSystem())
                               : options.run_dir;
  Series series(options, root, console, stop);
  for (size_t i = 0; i < tasks->size() && !stop.stop_requested(); ++i) {
    console.Out(fmt::format("\n[{}/{}] {}\n", i + 1, tasks->size(), (*tasks)[i].name));
    series.RunOne((*tasks)[i]);
  }
  const bool stopped = stop.stop_requested();
  console.Out("\n" + RunsTable(series.listings(), console.style));
  if (stopped) {
    console.Err(fmt::format("ksmith: stopped; the same command with --run {} goes on\n", root));
  }
  return stopped || series.failed() ? kExitFailed : kExitFine;
}

}  // namespace ks
