#include "cli/bench_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "cli/modules.h"
#include "cli/search_target.h"
#include "cli/wiring.h"
#include "core/event.h"
#include "core/kernel_source.h"
#include "core/outcome.h"
#include "evaluate/torch/module_task.h"
#include "store/run_folder.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr int kAnswerVersion = 1;
constexpr CandidateId kSeedCandidate = 0;
constexpr double kFinalEffort = 3;  // times the measuring budget of a candidate

Result<std::string> SourceOf(const RecordedRun& run, CandidateId id) {
  return run.store->GetSource(run.SourceHashOf(id));
}

void AddCoverage(const Evaluation& evaluation, BenchedTask& task) {
  if (evaluation.module && evaluation.module->coverage >= 0) {
    task.coverage = evaluation.module->coverage;
  }
}

void AddSeconds(const Evaluation& evaluation, BenchedTask& task) {
  task.device_seconds += evaluation.seconds.check + evaluation.seconds.time;
  task.compile_seconds += evaluation.seconds.compile;
}

// Over a program of the run.
Result<Evaluation> Against(Evaluator& evaluator, const std::string& source,
                           const std::string& baseline, Stages stages, std::stop_token stop,
                           bool call_by_call = false, bool own_baseline = false) {
  EvaluationRequest request;
  request.call_by_call = call_by_call;
  request.own_baseline = own_baseline;
  request.quiet = true;
  request.source = source;
  request.stages = stages;
  request.baseline_source = baseline;
  request.seed = SecretSeed();
  return evaluator.Evaluate(request, std::move(stop));
}

}  // namespace

std::string AnswerPath(const std::string& run_dir) { return run_dir + "/answer.json"; }

namespace {

// Not so where it could not be compared with the seed: perhaps it can be another time.
bool IsVerdict(const FinalAnswer& answer) {
  return !answer.over_seed || AsMeasured(answer.over_seed->outcome) != nullptr;
}

// The task of a search, which must be what it was.
Result<Task> UnchangedTask(const RecordedRun& run) {
  KS_ASSIGN_OR_RETURN(Task task, OpenRecordedTask(run.view.started));
  if (task.hash == run.view.started.task_hash) return task;
  return Error{ErrorCode::kFailedPrecondition,
               "the task has changed since it was searched; take another folder with --out"};
}

Result<FinalAnswer> JudgeFinalAnswer(const RecordedRun& run, Task task, int trials,
                                     const RemoteService& service, ModuleDevices* modules,
                                     std::stop_token stop) {
  const RunView& view = run.view;
  if (view.best == kNoCandidate || view.baseline == kNoCandidate) {
    return Error{ErrorCode::kFailedPrecondition, "no candidate was measured"};
  }
  const SystemClock clock;
  const int64_t start_ns = clock.MonotonicNs();
  RunConfig config = run.config;
  config.in_flight = config.workers = 1;
  config.evaluation.check_trials = trials;
  config.evaluation.time_budget_s *= kFinalEffort;
  KS_ASSIGN_OR_RETURN(const std::unique_ptr<SearchTarget> target,
                      OpenSearchTarget(std::move(task), config, service, modules, stop));
  KS_ASSIGN_OR_RETURN(const std::string best, SourceOf(run, view.best));
  KS_ASSIGN_OR_RETURN(const std::string baseline, SourceOf(run, view.baseline));
  KS_ASSIGN_OR_RETURN(const std::string seed, SourceOf(run, kSeedCandidate));
  FinalAnswer answer;
  answer.source_hash = run.SourceHashOf(view.best);
  answer.trials = trials;
  answer.precision = target->task.precision;
  answer.unchanged = best == baseline;
  const Stages stages{true, true, !answer.unchanged, false};
  KS_ASSIGN_OR_RETURN(answer.evaluation, Against(*target->evaluator, best, baseline, stages, stop));
  const bool correct = AsMeasured(answer.evaluation.outcome) != nullptr;
  if (correct && baseline != seed) {
    const Stages time_only{true, false, true, false};
    KS_ASSIGN_OR_RETURN(answer.over_seed, Against(*target->evaluator, best, seed, time_only, stop));
  }
  const Evaluation& timed = answer.over_seed ? *answer.over_seed : answer.evaluation;
  if (correct && best != seed && timed.module && timed.module->graphs) {
    const Stages time_only{true, false, true, false};
    KS_ASSIGN_OR_RETURN(answer.call_by_call, Against(*target->evaluator, best, seed, time_only,
                                                     stop, /*call_by_call=*/true));
  }
  if (correct && config.backend == kTorchBackend) {
    const Stages time_only{true, false, true, false};
    KS_ASSIGN_OR_RETURN(
        answer.over_compiled,
        Against(*target->evaluator, best, TorchCompiled(target->task.reference_source), time_only,
                stop, /*call_by_call=*/false, /*own_baseline=*/true));
  }
  answer.seconds = static_cast<double>(clock.MonotonicNs() - start_ns) * 1e-9;
  return answer;
}

}  // namespace

Result<FinalAnswer> AnswerOf(const RecordedRun& run, int trials, const RemoteService& service,
                             ModuleDevices* modules, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(Task task, UnchangedTask(run));
  PosixFileSystem files;
  if (const Result<std::string> kept = files.Read(AnswerPath(run.dir), kMaxTextFileBytes);
      kept.ok()) {
    Result<FinalAnswer> answer = FinalAnswerFromJson(*kept);
    if (answer.ok() && IsVerdict(*answer) && answer->trials == trials &&
        run.view.best != kNoCandidate && answer->source_hash == run.SourceHashOf(run.view.best)) {
      return answer;
    }
  }
  KS_ASSIGN_OR_RETURN(FinalAnswer answer, JudgeFinalAnswer(run, std::move(task), trials, service,
                                                           modules, std::move(stop)));
  KS_ASSIGN_OR_RETURN(const std::string source, SourceOf(run, run.view.best));
  const std::string file = RunFolder(run.dir).BestPath(SourceEnding(run.config.backend));
  KS_RETURN_IF_ERROR(files.WriteAtomically(file, source));
  KS_RETURN_IF_ERROR(files.WriteAtomically(AnswerPath(run.dir), FinalAnswerToJson(answer)));
  return answer;
}

std::string FinalAnswerToJson(const FinalAnswer& answer) {
  Json json = {{"version", kAnswerVersion},
               {"source_hash", answer.source_hash},
               {"trials", answer.trials},
               {"unchanged", answer.unchanged},
               {"precision", answer.precision},
               {"evaluation", Json::parse(EvaluationToJson(answer.evaluation))},
               {"over_seed", nullptr},
               {"call_by_call", nullptr},
               {"seconds", answer.seconds}};
  if (answer.over_seed) json["over_seed"] = Json::parse(EvaluationToJson(*answer.over_seed));
  if (answer.call_by_call) {
    json["call_by_call"] = Json::parse(EvaluationToJson(*answer.call_by_call));
  }
  if (answer.over_compiled) {
    json["over_compiled"] = Json::parse(EvaluationToJson(*answer.over_compiled));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<FinalAnswer> FinalAnswerFromJson(const std::string& text) {
  const Error broken{ErrorCode::kDataLoss, "answer.json is not of a benchmark"};
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return broken;
  FinalAnswer answer;
  try {
    if (json.at("version").get<int>() != kAnswerVersion) return broken;
    answer.source_hash = json.at("source_hash").get<std::string>();
    answer.trials = json.at("trials").get<int>();
    answer.unchanged = json.at("unchanged").get<bool>();
    answer.precision = json.at("precision").get<std::string>();
    answer.seconds = json.at("seconds").get<double>();
    KS_ASSIGN_OR_RETURN(answer.evaluation, EvaluationFromJson(json.at("evaluation").dump()));
    if (!json.at("over_seed").is_null()) {
      KS_ASSIGN_OR_RETURN(answer.over_seed, EvaluationFromJson(json["over_seed"].dump()));
    }
    if (json.contains("call_by_call") && !json["call_by_call"].is_null()) {
      KS_ASSIGN_OR_RETURN(answer.call_by_call, EvaluationFromJson(json["call_by_call"].dump()));
    }
    if (json.contains("over_compiled") && !json["over_compiled"].is_null()) {
      KS_ASSIGN_OR_RETURN(answer.over_compiled, EvaluationFromJson(json["over_compiled"].dump()));
    }
  } catch (const Json::exception&) {
    return broken;
  }
  return answer;
}

BaselineNames BaselineNamesOf(const std::string& backend) {
  if (backend == kTorchBackend) return {"the fastest start", "eager", true};
  return {"the seed with its best flags", "the seed as written", false};
}

void FillFrom(const RecordedRun& run, const BaselineNames& names, BenchedTask& task) {
  const RunView& view = run.view;
  SearchProgress progress = ProgressOf(view);
  task.rounds = progress.evaluations;
  task.progress = std::move(progress.points);
  task.seconds += view.elapsed_s;
  task.stop_reason = view.stop_reason;
  const ModelSpending spending = SpendingOf(view);
  task.cost_usd = spending.cost_usd;
  task.tokens = spending.tokens;
  if (view.best != kNoCandidate) {
    task.in_search = names.over_seed ? view.SpeedupOverSeed(view.best) : view.SpeedupOf(view.best);
  }
  if (view.baseline != kNoCandidate && names.over_seed) {
    task.start = view.SpeedupOverSeed(view.baseline).mid;
    for (ProgressPoint& point : task.progress) point.speedup *= task.start;
  }
  for (const CandidateView& candidate : view.candidates) {
    if (candidate.evaluation) AddSeconds(*candidate.evaluation, task);
  }
}

void FillFrom(const FinalAnswer& answer, const BaselineNames& names, BenchedTask& task) {
  const Evaluation& evaluation = answer.evaluation;
  task.seconds += answer.seconds;
  AddSeconds(evaluation, task);
  if (answer.over_seed) AddSeconds(*answer.over_seed, task);
  if (answer.call_by_call) AddSeconds(*answer.call_by_call, task);
  if (answer.over_compiled) AddSeconds(*answer.over_compiled, task);
  task.outcome = OutcomeName(evaluation.outcome);
  task.precision = answer.precision;
  if (answer.over_seed) AddCoverage(*answer.over_seed, task);
  AddCoverage(evaluation, task);
  const Measured* const measured = AsMeasured(evaluation.outcome);
  if (measured == nullptr) {
    task.state = AnswerState::kWrong;
    task.reason = OutcomeSummary(evaluation.outcome);
    return;
  }
  const Interval over_start = answer.unchanged ? Interval{1, 1, 1} : measured->speedup;
  Interval over_seed = over_start;  // where the search began from the seed as written
  if (answer.over_seed) {
    const Measured* const timed = AsMeasured(answer.over_seed->outcome);
    over_seed = timed == nullptr ? Interval{} : timed->speedup;
  }
  task.unchanged = answer.unchanged;
  task.speedup = names.over_seed ? over_seed : over_start;
  const Interval& other = names.over_seed ? over_start : over_seed;
  if (other.mid > 0) task.baselines[names.other()] = other;
  if (answer.over_compiled) {
    const Measured* const compiled = AsMeasured(answer.over_compiled->outcome);
    if (compiled != nullptr) task.baselines[kCompiledBaseline] = compiled->speedup;
  }
  if (answer.call_by_call) {
    const Measured* const calls = AsMeasured(answer.call_by_call->outcome);
    if (calls != nullptr) task.baselines[kCallByCallBaseline] = calls->speedup;
  }
  if (task.speedup.mid > 0) {
    task.state = AnswerState::kCorrect;
  } else {
    task.reason = "it could not be compared with " + names.baseline() + ": " +
                  OutcomeSummary(answer.over_seed->outcome);
  }
}

}  // namespace ks
