#include "evaluate/torch/module_timer.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <numeric>
#include <utility>

#include "evaluate/torch/module_check.h"
#include "evaluate/torch/module_coverage.h"
#include "evaluate/torch/module_outcome.h"

namespace ks {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kMostSets = 16;
constexpr int64_t kMemoryBytes = int64_t{8} << 30;  // of one side
// Places where inputs come, so that no address tells anything. A graph reads always the same.
constexpr int kSlots = 3;
constexpr int kWarmCalls = 3;
constexpr int kFirstCalls = 4;
constexpr double kRunNs = 1e6;       // of calls, in one run, about
constexpr double kFasterAtMost = 2;  // than the rival, where sets are to last for a whole run
constexpr int kEmptyRuns = 5;
constexpr int kPairsBetweenEmptyRuns = 2;
constexpr double kJudgeAllChance = 0.1;  // of a run, else one set of it; the first: always
constexpr int kMostDoubts = 24;          // further runs before a side's marks are held for false
constexpr double kTraceTimeoutS = 60;
constexpr double kRunSlack = 20;   // a run that takes this much longer than foreseen hangs
constexpr double kMostRunS = 100;  // the trusted side, too, waits no longer than two minutes
constexpr size_t kPairsToSettle = 16;
constexpr int kMostPairsOutside = 64;
// Inputs are drawn and outputs are judged besides: one that counts may take this times its budget.
constexpr double kWallOverBudget = 3;
constexpr size_t kMaxKeptSamples = 200;

// The words of the page on which a side and the trusted side wait for each other, and what both
// take for the end (python/kernelsmith/modules/beat.py).
constexpr off_t kGo = 0, kDone = 64;
constexpr uint64_t kAborted = ~uint64_t{0};

double NsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
}

std::vector<double> Inside(const std::vector<ModuleRun>& runs) {
  std::vector<double> times;
  for (const ModuleRun& run : runs) times.push_back(run.inside_ns);
  return times;
}

// The median of a list; 0 when that is not one of `calls` numbers.
double MedianOf(const Json& times, int calls) {
  if (!times.is_array() || static_cast<int>(times.size()) != calls) return 0;
  std::vector<double> numbers;
  for (const Json& time : times) {
    if (!time.is_number()) return 0;
    numbers.push_back(time.get<double>());
  }
  return SummarizeTimes(numbers).median_ns;
}

}  // namespace

ModulePairTimer::ModulePairTimer(ModuleSession& session, ModuleReference& reference,
                                 const ModuleFacts& facts, const EvaluationConfig& config,
                                 const TimingPlan& plan)
    : session_(session),
      reference_(reference),
      facts_(facts),
      config_(config),
      plan_(plan),
      rng_(DeriveSeed(plan.secret_seed, "module time", 0)),
      first_(rng_.Chance(0.5) ? kRival : kCandidate),
      stopping_(plan.rule) {}

Result<TimingResult> ModulePairTimer::Run(ModuleCandidate& rival, ModuleCandidate& candidate,
                                          bool graphs, ModuleHistory& history,
                                          std::stop_token stop) {
  history_ = history;
  auto result = Compare(rival, candidate, graphs, stop);
  history = history_;
  if (!result.ok()) session_.EndRunner();  // it may be in the middle of something
  return result;
}

Result<TimingResult> ModulePairTimer::Compare(ModuleCandidate& rival, ModuleCandidate& candidate,
                                              bool graphs, const std::stop_token& stop) {
  const auto ended = [this](const TimingResult& result) {
    return result.fault || result.rival_failed || NoGraphOfRival() || NoGraphOfCandidate();
  };
  graphs_ = graphs;
  TimingResult result;
  KS_ASSIGN_OR_RETURN(ModuleCandidate* const runner, session_.Runner(facts_, stop));
  sides_ = {&rival, &candidate, runner};
  KS_RETURN_IF_ERROR(Stage(result, stop));
  if (!ended(result)) KS_RETURN_IF_ERROR(Calibrate(result, stop));
  if (!ended(result)) KS_RETURN_IF_ERROR(TakePairs(result, stop));
  if (!ended(result)) Summarize(result);
  for (ModuleCandidate* const side : {&rival, &candidate}) side->Pause(false);
  result.module = facts_;
  result.module->graphs = graphs;
  if (!runner->Rest(stop)) session_.EndRunner();
  KS_ASSIGN_OR_RETURN(const Json answer,
                      reference_.MustAnswer({{"op", "unstage"}}, "unstaged", stop));
  static_cast<void>(answer);
  return result;
}

Status ModulePairTimer::Stage(TimingResult& result, const std::stop_token& stop) {
  const double usual_ns = history_.rival_ns;
  const int sets = usual_ns > 0 ? static_cast<int>(std::clamp(kFasterAtMost * kRunNs / usual_ns,
                                                              1.0 * kFirstCalls, 1.0 * kMostSets))
                                : kMostSets;
  KS_ASSIGN_OR_RETURN(const ModuleReply reply,
                      reference_.AskBeside({{"op", "stage"},
                                            {"model_seed", rng_.Next() >> 1},
                                            {"sets", sets},
                                            {"sides", sides_.size()},
                                            {"slots", graphs_ ? 1 : kSlots},
                                            {"memory_bytes", kMemoryBytes}},
                                           "staged", "time", stop));
  if (const auto* const outcome = std::get_if<Outcome>(&reply)) {
    result.fault = *outcome;
    return {};
  }
  const Json& staged = std::get<Json>(reply);
  KS_ASSIGN_OR_RETURN(std::vector<UniqueFd> files, reference_.TakeFiles(2 * sides_.size()));
  for (size_t side = 0; side < sides_.size(); ++side) beats_[side] = std::move(files[2 * side + 1]);
  staged_ = static_cast<int>(std::clamp<int64_t>(IntegerOf(staged, "staged"), 1, sets));
  for (const Side side : {first_, Other(first_), kEmpty}) {
    KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault,
                        Prepare(side, staged, files[2 * side].get(), stop));
    if (!fault) continue;
    return Blame(side, *std::move(fault), result);
  }
  return {};
}

Result<std::optional<Outcome>> ModulePairTimer::Prepare(Side side, const Json& staged, int memory,
                                                        const std::stop_token& stop) {
  Json ask = staged;
  ask["op"] = "prepare";
  ask["init"] = reference_.init;
  ask["empty"] = side == kEmpty;
  ask["warm_calls"] = kWarmCalls;
  ask["graph"] = graphs_;
  const std::array<int, 2> files = {memory, beats_[side].get()};
  KS_ASSIGN_OR_RETURN(
      ModuleReply reply,
      sides_[side]->Ask(ask, files, "prepared", "time",
                        config_.compile_timeout_s + kWarmCalls * config_.call_timeout_s, stop));
  if (auto* const outcome = std::get_if<Outcome>(&reply)) return std::optional(std::move(*outcome));
  no_graph_[side] = graphs_ && !TruthOf(std::get<Json>(reply), "graph");
  return std::optional<Outcome>();
}

Status ModulePairTimer::Blame(Side side, Outcome outcome, TimingResult& result) const {
  if (side == kEmpty && !std::holds_alternative<OutOfMemory>(outcome)) {
    return Error{ErrorCode::kInternal, "timing an empty call: " + OutcomeSummary(outcome)};
  }
  if (side == kRival) {
    result.rival_failed = true;
    result.rival_fault = std::move(outcome);
  } else {
    result.fault = std::move(outcome);
  }
  return {};
}

Status ModulePairTimer::Sow(TimingResult& result, const std::stop_token& stop) {
  sown_ = rng_.Next() >> 2;
  const Json request = {{"op", "sow"}, {"seed", sown_}, {"sets", calls_}};
  KS_ASSIGN_OR_RETURN(const ModuleReply reply, reference_.AskBeside(request, "sown", "time", stop));
  if (const auto* const outcome = std::get_if<Outcome>(&reply)) result.fault = *outcome;
  return {};
}

std::vector<int> ModulePairTimer::AllSets() const {
  std::vector<int> sets(static_cast<size_t>(calls_));
  std::iota(sets.begin(), sets.end(), 0);
  return sets;
}

int ModulePairTimer::JudgedSet() const {
  Rng choice(DeriveSeed(plan_.secret_seed, "judged set", sown_));
  return static_cast<int>(choice.Below(static_cast<uint64_t>(calls_)));
}

void ModulePairTimer::Abort(Side side) const {
  for (const off_t word : {kGo, kDone}) {
    static_cast<void>(pwrite(beats_[side].get(), &kAborted, sizeof(kAborted), word));
  }
}

Result<ModulePairTimer::Ran> ModulePairTimer::Measure(Side side, int watched,
                                                      const std::stop_token& stop) {
  for (const Side one : {kRival, kCandidate}) sides_[one]->Pause(one != side);
  const int64_t first = std::exchange(next_call_, next_call_ + calls_);
  const std::vector<ModuleRun>& earlier = runs_[side];
  const double foreseen_s = earlier.empty() ? 0 : earlier.back().wall_ns * 1e-9 * kRunSlack;
  const double timeout_s = std::min(config_.call_timeout_s + foreseen_s, kMostRunS);
  const Json run = {{"op", "run"}, {"first", first}, {"calls", calls_}};
  auto answer = std::async(std::launch::async, [&] {
    Result<ModuleReply> reply = sides_[side]->Ask(run, {}, "ran", "time", timeout_s, stop);
    if (!reply.ok() || std::holds_alternative<Outcome>(*reply)) Abort(side);
    return reply;
  });
  const Result<ModuleReply> led = reference_.AskBeside({{"op", "lead"},
                                                        {"side", side},
                                                        {"first", first},
                                                        {"calls", calls_},
                                                        {"watched", watched},
                                                        {"timeout_s", config_.call_timeout_s}},
                                                       "led", "time", stop);
  if (!led.ok() || std::holds_alternative<Outcome>(*led)) Abort(side);
  Result<ModuleReply> ran = answer.get();
  if (!led.ok()) return led.error();
  if (const auto* const outcome = std::get_if<Outcome>(&*led)) return Ran(NoRoom{*outcome});
  if (!ran.ok()) return ran.error();
  if (auto* const outcome = std::get_if<Outcome>(&*ran)) return Ran(std::move(*outcome));
  const Json& clock = std::get<Json>(*led);
  const double wall_ns = MedianOf(clock["led"], calls_) * calls_;
  if (wall_ns <= 0) return Ran(Outcome(Rejected{"forged_answer", "no sign of its calls"}));
  return Ran(ModuleRun{calls_, MedianOf(std::get<Json>(*ran)["ran"], calls_), wall_ns,
                       MedianOf(clock["ready"], calls_), MedianOf(clock["kept"], calls_)});
}

Result<std::optional<ModuleRun>> ModulePairTimer::TakeRun(Side side, bool judge_all,
                                                          TimingResult& result,
                                                          const std::stop_token& stop) {
  KS_ASSIGN_OR_RETURN(Ran ran, Measure(side, JudgedSet(), stop));
  if (auto* const none = std::get_if<NoRoom>(&ran)) {
    result.fault = std::move(none->outcome);
    return std::optional<ModuleRun>();
  }
  std::optional<Outcome> fault;
  if (auto* const outcome = std::get_if<Outcome>(&ran)) {
    fault = std::move(*outcome);
  } else if (side != kEmpty) {
    if (!(std::get<ModuleRun>(ran).inside_ns > 0)) {
      fault = Rejected{"forged_answer", "its process gives no times"};
    } else {
      KS_ASSIGN_OR_RETURN(fault, Judge(side, judge_all, result, stop));
    }
  }
  if (fault) KS_RETURN_IF_ERROR(Blame(side, *std::move(fault), result));
  if (result.fault || result.rival_failed) return std::optional<ModuleRun>();
  return std::optional(std::get<ModuleRun>(ran));
}

// How many calls a run has, and what a run without a module takes.
Status ModulePairTimer::Calibrate(TimingResult& result, const std::stop_token& stop) {
  calls_ = std::min(staged_, kFirstCalls);
  double longest_ns = 1;
  KS_RETURN_IF_ERROR(Sow(result, stop));
  if (result.fault) return {};
  for (const Side side : {first_, Other(first_)}) {
    KS_ASSIGN_OR_RETURN(const auto run, TakeRun(side, true, result, stop));
    if (!run) return {};
    longest_ns = std::max(longest_ns, run->inside_ns);
  }
  const double wanted = std::clamp(kRunNs / longest_ns, 1.0 * calls_, 1.0 * staged_);
  calls_ = static_cast<int>(wanted);
  for (int i = 0; i <= kEmptyRuns; ++i) {
    KS_ASSIGN_OR_RETURN(const auto run, TakeRun(kEmpty, false, result, stop));
    if (!run) return {};
    if (i > 0) runs_[kEmpty].push_back(*run);
  }
  return {};
}

Status ModulePairTimer::TakePairs(TimingResult& result, const std::stop_token& stop) {
  const Clock::time_point begin = Clock::now();
  const double most_ns = (plan_.quiet ? kWallOverBudget : 1) * std::max(plan_.rule.budget_ns, 1e8);
  for (int pair = 0;; ++pair) {
    KS_RETURN_IF_ERROR(TakePair(pair, result, stop));
    if (result.fault || result.rival_failed) return {};
    const auto [rival, candidate] = std::pair(runs_[kRival].back(), runs_[kCandidate].back());
    if (stopping_.Add({rival.inside_ns, candidate.inside_ns}) != StopReason::kContinue) break;
    if (pair + 1 >= plan_.rule.min_pairs && NsSince(begin) > most_ns) break;
    if (!plan_.quiet && IsSettled()) break;
  }
  // The clock outside needs more runs than the marks: so many as there is time for, where it
  // counts.
  for (int pair = static_cast<int>(runs_[kRival].size());
       plan_.quiet && pair < kMostPairsOutside && NsSince(begin) < most_ns && !IsSeenOutside();
       ++pair) {
    KS_RETURN_IF_ERROR(TakePair(pair, result, stop));
    if (result.fault || result.rival_failed) return {};
  }
  for (const Side side : {kRival, kCandidate}) {
    KS_RETURN_IF_ERROR(Settle(side, result, stop));
    if (result.fault || result.rival_failed) return {};
  }
  return CheckRest(result);
}

// Who loads the device cannot be seen in this comparison: the rival is blamed, and whoever asked
// looks whether it is as bad without the candidate.
Status ModulePairTimer::CheckRest(TimingResult& result) {
  double usual_ns = history_.rest_ns;
  for (const std::vector<ModuleRun>& runs : runs_) {
    const double rest_ns = RestNs(runs);
    if (rest_ns > 0) usual_ns = usual_ns > 0 ? std::min(usual_ns, rest_ns) : rest_ns;
  }
  history_.rest_ns = usual_ns;
  for (const std::vector<ModuleRun>& runs : runs_) {
    if (auto unrest = CheckModuleRest(runs, usual_ns)) {
      return Blame(kRival, *std::move(unrest), result);
    }
  }
  return {};
}

std::vector<ModuleRun> ModulePairTimer::Charged(std::vector<ModuleRun> runs) const {
  ChargeExcess(runs, runs_[kEmpty]);
  return runs;
}

Interval ModulePairTimer::Gain() const {
  return WithinClock(stopping_.interval(), Charged(runs_[kRival]), Charged(runs_[kCandidate]),
                     Charged(runs_[kEmpty]), plan_.rule.confidence);
}

bool ModulePairTimer::IsSeenOutside() const {
  return Gain().low >= (1 - plan_.rule.target_width) * stopping_.interval().low;
}

bool ModulePairTimer::IsSettled() const {
  if (stopping_.samples().size() < kPairsToSettle) return false;
  const Interval now = stopping_.interval();
  return now.mid <= 1 + plan_.rule.margin / 2 && RelativeHalfWidth(now) <= plan_.rule.target_width;
}

// A busy machine may have disturbed every run so far; who hides work hides it in all runs.
Status ModulePairTimer::Settle(Side side, TimingResult& result, const std::stop_token& stop) {
  std::vector<ModuleRun> runs = runs_[side];
  for (int doubts = 0;; ++doubts) {
    std::optional<Rejected> rejected = CheckModuleClock(Charged(runs), Charged(runs_[kEmpty]));
    if (!rejected) return {};
    if (doubts == kMostDoubts) {
      return Blame(side, *std::move(rejected), result);
    }
    KS_RETURN_IF_ERROR(Sow(result, stop));
    if (result.fault) return {};
    KS_ASSIGN_OR_RETURN(const auto run, TakeRun(side, false, result, stop));
    if (!run) return {};
    runs.push_back(*run);
    KS_ASSIGN_OR_RETURN(const auto empty, TakeRun(kEmpty, false, result, stop));
    if (!empty) return {};
    runs_[kEmpty].push_back(*empty);
  }
}

// A B, B A, A B, ...; chance says who A is, so that no side knows itself by the order.
Status ModulePairTimer::TakePair(int pair, TimingResult& result, const std::stop_token& stop) {
  KS_RETURN_IF_ERROR(Sow(result, stop));
  if (result.fault) return {};
  const bool judge_all = pair == 0 || rng_.Chance(kJudgeAllChance);
  for (const bool first : {true, false}) {
    const Side side = (pair % 2 == 0) == first ? first_ : Other(first_);
    KS_ASSIGN_OR_RETURN(const auto run, TakeRun(side, judge_all, result, stop));
    if (!run) return {};
    runs_[side].push_back(*run);
  }
  if (pair % kPairsBetweenEmptyRuns != kPairsBetweenEmptyRuns - 1) return {};
  KS_ASSIGN_OR_RETURN(const auto run, TakeRun(kEmpty, false, result, stop));
  if (run) runs_[kEmpty].push_back(*run);
  return {};
}

Result<std::optional<Outcome>> ModulePairTimer::Judge(Side side, bool all, TimingResult& result,
                                                      const std::stop_token& stop) {
  const int chosen = JudgedSet();
  std::vector<int> sets = {chosen};
  if (all) sets = AllSets();
  Json request = {{"op", "judge_timed"}, {"side", side}, {"sets", sets}};
  request["exact"] = all ? Json{chosen} : Json::array();
  KS_ASSIGN_OR_RETURN(const ModuleReply verdict,
                      reference_.AskBeside(request, "verdict", "time", stop));
  if (const auto* const outcome = std::get_if<Outcome>(&verdict)) {
    result.fault = *outcome;
    return std::optional<Outcome>();
  }
  std::optional<Outcome> outcome = OutcomeOfVerdict(std::get<Json>(verdict), facts_.workload);
  if (outcome) {
    if (auto* const wrong = std::get_if<WrongResult>(&*outcome)) wrong->in_timed_call = true;
  }
  return outcome;
}

void ModulePairTimer::Summarize(TimingResult& result) const {
  WorkloadTiming timing;
  timing.workload = facts_.workload;
  std::vector<double> candidate = Inside(runs_[kCandidate]);
  std::vector<double> rival = Inside(runs_[kRival]);
  const TimeSummary summary = SummarizeTimes(candidate);
  timing.median_ns = summary.median_ns;
  timing.p99_ns = summary.p99_ns;
  timing.cv = summary.cv;
  timing.pairs = static_cast<int>(stopping_.samples().size());
  timing.gain = Gain();
  timing.parent_median_ns = SummarizeTimes(rival).median_ns;
  candidate.resize(std::min(candidate.size(), kMaxKeptSamples));
  rival.resize(std::min(rival.size(), kMaxKeptSamples));
  timing.samples_ns = std::move(candidate);
  timing.parent_samples_ns = std::move(rival);
  result.gain = timing.gain;
  result.timings.push_back(std::move(timing));
}

Status TraceModule(ModuleCandidate& candidate, const std::string& source, ModuleFacts& facts,
                   std::stop_token stop) {
  candidate.AllowAnyThreads();  // the tracer has some
  KS_ASSIGN_OR_RETURN(
      const ModuleReply reply,
      candidate.Ask({{"op", "trace"}}, {}, "activities", "time", kTraceTimeoutS, std::move(stop)));
  const auto* const answer = std::get_if<Json>(&reply);
  if (answer == nullptr) return {};
  facts.activities = ActivitiesOf((*answer)["activities"], source);
  facts.coverage = CoverageOf(facts.activities);
  KeepLongest(facts.activities);
  return {};
}

}  // namespace ks
