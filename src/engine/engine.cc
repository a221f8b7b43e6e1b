#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/rng.h"
#include "engine/context.h"
#include "engine/pipeline.h"
#include "engine/run_state.h"

namespace ks {
namespace {

constexpr int kTickMs = 250;
constexpr int kSelectionTries = 24;  // draws before a state counts as exhausted

// Binary hash -> the candidate that was judged with it. Thread-safe.
class BinaryIndex {
 public:
  void Put(const Evaluation& evaluation, CandidateId id) {
    if (evaluation.binary_hash.empty() || std::holds_alternative<DuplicateOf>(evaluation.outcome)) {
      return;
    }
    const std::lock_guard lock(mutex_);
    index_.emplace(evaluation.binary_hash, id);
  }
  std::optional<CandidateId> Find(const std::string& hash) const {
    const std::lock_guard lock(mutex_);
    const auto it = index_.find(hash);
    return it == index_.end() ? std::nullopt : std::optional(it->second);
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, CandidateId> index_;
};

// Threads that wait for a server: one a step in flight, within reason.
constexpr int kMostAskers = 1024;

int AskersFor(const Proposer& proposer, const RunConfig& config) {
  return proposer.slow() ? std::clamp(config.in_flight, 1, kMostAskers) : 0;
}

// A step that was begun and is not recorded yet: its proposer is being asked, or was faster than
// that of an earlier step.
struct OpenStep {
  std::shared_ptr<const ProposalContext> context;
  EvaluationRequest request;  // but for the source: rivals as they were when the step began
  std::optional<Answer> answer;
  std::optional<Evaluation> evaluation;
};

Evaluation NotEvaluated(Outcome outcome) {
  Evaluation evaluation;
  evaluation.outcome = std::move(outcome);
  return evaluation;
}

// One search. Single thread, but for the pipeline's workers.
class Search {
 public:
  Search(const RunConfig& config, const RunIdentity& identity, const EngineParts& parts,
         std::stop_token stop)
      : config_(config),
        identity_(identity),
        parts_(parts),
        stop_(std::move(stop)),
        state_(parts.archive),
        start_ns_(parts.clock.MonotonicNs()),
        hash_normalized_([normalize = parts.normalize](const std::string& source) {
          return Sha256Hex(normalize ? normalize(source) : source);
        }) {}

  Result<RunEnd> Run() {
    KS_ASSIGN_OR_RETURN(const std::vector<Event> record, parts_.store.Read(0));
    if (!record.empty()) KS_RETURN_IF_ERROR(TakeOverProtocol(record.front()));
    pipeline_.emplace(parts_.evaluator, parts_.proposer, parts_.clock, hash_normalized_,
                      std::max(1, config_.workers), AskersFor(parts_.proposer, config_));
    Status status = record.empty() ? Begin() : Resume(record);
    std::string reason;
    if (status.ok()) {
      Result<std::string> ended = Loop();
      if (ended.ok()) {
        reason = *ended;
      } else {
        status = ended.error();
      }
    }
    if (!status.ok()) {
      // Best effort: the store itself may be what failed.
      static_cast<void>(Emit(RunStopped{"error: " + status.error().message}).ok());
      return status.error();
    }
    KS_RETURN_IF_ERROR(Emit(RunStopped{reason}));
    if (state_.baseline() != kNoCandidate) state_.ApplyJudged();
    const MemberPtr best = parts_.archive.best();
    return RunEnd{reason, Steps(), best ? best->id : kNoCandidate, parts_.archive.Hash()};
  }

 private:
  CandidateId Probes() const { return static_cast<CandidateId>(parts_.baseline_variants.size()); }
  int64_t Steps() const { return std::max<int64_t>(0, state_.size() - Probes()); }
  double Elapsed() const {
    return elapsed_before_s_ + static_cast<double>(parts_.clock.MonotonicNs() - start_ns_) * 1e-9;
  }

  template <typename Body>
  Status Emit(Body body) {
    Event event;
    event.unix_ms = parts_.clock.UnixMs();
    event.elapsed_s = Elapsed();
    event.body = std::move(body);
    KS_ASSIGN_OR_RETURN(event.sequence, parts_.store.Append(event));
    for (Observer* observer : parts_.observers) observer->OnEvent(event);
    return {};
  }

  Status Begin() {
    RunStarted started;
    started.run_id = identity_.run_id;
    started.task = parts_.evaluator.task().name;
    started.task_hash = parts_.evaluator.task().hash;
    started.backend = config_.backend;
    started.proposer = config_.proposer;
    started.seed = config_.seed;
    started.jobs = config_.in_flight;
    started.config_json = identity_.config_json;
    started.config_hash = identity_.config_hash;
    started.version = identity_.version;
    started.machine = parts_.evaluator.machine();
    return Emit(std::move(started));
  }

  // What decides the results comes from the record, not from the caller.
  Status TakeOverProtocol(const Event& first) {
    const auto* started = std::get_if<RunStarted>(&first.body);
    if (started == nullptr) {
      return Error{ErrorCode::kDataLoss, "the record does not begin with the start of a run"};
    }
    if (started->task_hash != parts_.evaluator.task().hash) {
      return Error{ErrorCode::kFailedPrecondition,
                   "the task '" + started->task +
                       "' has changed since this run began; start a new run folder"};
    }
    config_.in_flight = started->jobs;
    config_.seed = started->seed;
    return {};
  }

  Status Resume(const std::vector<Event>& record) {
    for (const Event& event : record) {
      elapsed_before_s_ = std::max(elapsed_before_s_, event.elapsed_s);
      for (Observer* observer : parts_.observers) observer->OnEvent(event);
      KS_RETURN_IF_ERROR(TakeOver(event));
    }
    KS_RETURN_IF_ERROR(Emit(RunResumed{identity_.version}));
    for (CandidateId id = 0; id < state_.size(); ++id) {
      if (state_.judged(id)) continue;
      if (state_.proposed(id).refused) {
        KS_RETURN_IF_ERROR(Conclude(id, NotEvaluated(Rejected{"refused", "reason not recorded"})));
        continue;
      }
      // What the proposal had seen, so that the evaluation gets the same rivals.
      if (state_.baseline() != kNoCandidate) {
        state_.ApplyUpTo(std::max(id - config_.in_flight, state_.proposed(id).parent));
      }
      KS_RETURN_IF_ERROR(Submit(id));
    }
    return {};
  }

  Status TakeOver(const Event& event) {
    if (const auto* proposed = std::get_if<CandidateProposed>(&event.body)) {
      if (proposed->id != state_.size()) {
        return Error{ErrorCode::kDataLoss,
                     fmt::format("candidate {} is out of order", proposed->id)};
      }
      KS_ASSIGN_OR_RETURN(std::string source, parts_.store.GetSource(proposed->source_hash));
      KS_ASSIGN_OR_RETURN(const std::string normalized, RecordedHash(*proposed, source));
      state_.AddProposal(*proposed, std::move(source), normalized);
    } else if (const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
      if (evaluated->id < 0 || evaluated->id >= state_.size()) {
        return Error{ErrorCode::kDataLoss,
                     fmt::format("result of unknown candidate {}", evaluated->id)};
      }
      binaries_.Put(evaluated->evaluation, evaluated->id);
      state_.SetEvaluation(evaluated->id, evaluated->evaluation);
    } else if (const auto* chosen = std::get_if<BaselineChosen>(&event.body)) {
      state_.ChooseBaseline(chosen->id);
    }
    return {};
  }

  // Empty when the proposal was refused.
  Result<std::string> RecordedHash(const CandidateProposed& proposed,
                                   const std::string& source) const {
    if (proposed.refused) return std::string();
    if (proposed.normalized_hash.empty()) return hash_normalized_(source);
    if (Sha256FromHex(proposed.normalized_hash)) return proposed.normalized_hash;
    return Error{ErrorCode::kDataLoss,
                 fmt::format("{}: '{}' is not a hash", CandidateName(proposed.id),
                             proposed.normalized_hash)};
  }

  // Until a limit; returns the reason.
  Result<std::string> Loop() {
    KS_RETURN_IF_ERROR(ProbeBaseline());
    if (state_.baseline() == kNoCandidate) return std::string("interrupted");
    std::string reason;
    for (;;) {
      if (reason.empty()) reason = failure_ ? ReasonOf(*failure_) : LimitReached();
      bool begun = false;
      if (reason.empty() && MayBegin()) {
        KS_ASSIGN_OR_RETURN(begun, parts_.proposer.slow() ? BeginStep() : ProposeNext());
        if (!begun && !failure_ && Idle()) reason = "exhausted";
      }
      if (!reason.empty() && Idle()) break;
      if (!begun && !Idle()) KS_RETURN_IF_ERROR(AwaitOne());
    }
    if (failure_ && reason == kFailed) return *failure_;
    return reason;
  }

  static constexpr const char* kFailed = "error";
  std::string ReasonOf(const Error& failure) const {
    if (stop_.stop_requested()) return "interrupted";
    return failure.code == ErrorCode::kResourceExhausted ? "budget" : kFailed;
  }

  std::string LimitReached() const {
    if (stop_.stop_requested()) return "interrupted";
    if (config_.max_steps > 0 && NextStep() - Probes() >= config_.max_steps) return "steps";
    if (nothing_in_a_row_ >= config_.in_flight) return "exhausted";
    if (config_.max_minutes > 0 && Elapsed() >= config_.max_minutes * 60) return "minutes";
    const MemberPtr best = parts_.archive.best();
    if (config_.until_speedup > 0 && best != nullptr &&
        best->measured()->speedup.low >= config_.until_speedup) {
      return "until";
    }
    return "";
  }

  // Nothing is under way.
  bool Idle() const { return pipeline_->in_flight() == 0 && open_.empty(); }
  CandidateId NextStep() const { return state_.size() + static_cast<CandidateId>(open_.size()); }

  // The results that the next proposal may look at have all arrived.
  bool MayBegin() const {
    const CandidateId last = NextStep() - config_.in_flight;
    if (last >= state_.size()) return false;
    for (CandidateId id = state_.applied(); id <= last; ++id) {
      if (!state_.judged(id)) return false;
    }
    return true;
  }

  // The seed, then its flag variants against it; the fastest becomes the baseline. A stop request
  // leaves it unchosen: a resumed run tries the other variants first.
  Status ProbeBaseline() {
    while (state_.baseline() == kNoCandidate) {
      const bool stopping = stop_.stop_requested();
      if (!stopping && state_.size() < Probes() && (state_.size() == 0 || state_.judged(0))) {
        KS_RETURN_IF_ERROR(RecordProbe(state_.size()));
      }
      const int in_flight = pipeline_->in_flight();
      if (in_flight > 0 && (stopping || in_flight >= config_.in_flight ||
                            state_.size() >= Probes() || !state_.judged(0))) {
        KS_RETURN_IF_ERROR(AwaitOne());
        KS_RETURN_IF_ERROR(RefuseBadSeed());
      }
      if (pipeline_->in_flight() > 0) continue;
      if (state_.size() >= Probes()) {
        KS_RETURN_IF_ERROR(ChooseBaseline());
      } else if (stopping) {
        if (state_.size() > 0) return {};
        return Error{ErrorCode::kCancelled, "stopped before the seed was evaluated"};
      }
    }
    return {};
  }

  Status RecordProbe(CandidateId id) {
    CandidateProposed proposed;
    proposed.id = id;
    proposed.step = id;
    proposed.parent = id == 0 ? kNoCandidate : 0;
    proposed.generation = id == 0 ? 0 : 1;
    proposed.skill = id == 0 ? "seed" : "baseline_flags";
    proposed.rationale = id == 0 ? "the seed as written" : "the seed with other compiler flags";
    const std::string& source = parts_.baseline_variants[static_cast<size_t>(id)];
    proposed.normalized_hash = hash_normalized_(source);
    KS_RETURN_IF_ERROR(Record(std::move(proposed), source));
    return Submit(id);
  }

  Status RefuseBadSeed() const {
    if (!state_.judged(0) || AsMeasured(state_.evaluation(0).outcome) != nullptr) return {};
    return Error{ErrorCode::kInvalidArgument,
                 "the seed of task '" + parts_.evaluator.task().name +
                     "' is not usable: " + OutcomeSummary(state_.evaluation(0).outcome)};
  }

  Status ChooseBaseline() {
    CandidateId chosen = 0;
    double best = 0;
    for (CandidateId id = 0; id < state_.size(); ++id) {
      const Measured* measured = AsMeasured(state_.evaluation(id).outcome);
      // By the estimate, not by its lower end: slow seeds are timed few times, and a baseline that
      // is too slow would flatter every candidate.
      if (measured != nullptr && measured->speedup.mid > best) {
        best = measured->speedup.mid;
        chosen = id;
      }
    }
    KS_RETURN_IF_ERROR(Emit(BaselineChosen{chosen}));
    state_.ChooseBaseline(chosen);
    return {};
  }

  // False: nothing to propose from the state as it is (after draining what was in flight), or the
  // proposer failed.
  Result<bool> ProposeNext() {
    const CandidateId step = state_.size();
    state_.ApplyUpTo(step - config_.in_flight);
    KS_ASSIGN_OR_RETURN(bool done, TryPropose(step));
    if (done || failure_) return done;
    while (!Idle()) KS_RETURN_IF_ERROR(AwaitOne());
    state_.ApplyUpTo(step - 1);
    return TryPropose(step);
  }

  Result<bool> TryPropose(CandidateId step) {
    for (int attempt = 0; attempt < kSelectionTries; ++attempt) {
      const ProposalContext context = MakeContext({step, Draw(step, attempt), step}, state_,
                                                  config_, parts_.evaluator, hash_normalized_);
      Answer answer = AskNow(parts_.proposer, context, hash_normalized_, parts_.clock, stop_);
      if (!answer.proposal.ok()) {
        failure_ = answer.proposal.error();
        return false;
      }
      const std::optional<Proposal>& proposal = *answer.proposal;
      if (!proposal || (!proposal->refused && IsKnown(answer))) continue;
      KS_RETURN_IF_ERROR(RecordAnswer(step, context, answer));
      if (proposal->refused) {
        KS_RETURN_IF_ERROR(Conclude(step, NotEvaluated(*proposal->refused)));
      } else {
        KS_RETURN_IF_ERROR(Submit(step));
      }
      return true;
    }
    return false;
  }

  static uint64_t Draw(CandidateId step, int attempt) {
    return static_cast<uint64_t>(step) * kSelectionTries + static_cast<uint64_t>(attempt);
  }
  bool IsKnown(const Answer& answer) const {
    return state_.seen()->First(answer.normalized_hash) != kNoCandidate;
  }

  // Slow proposers: selects on this thread, asks on another.
  Result<bool> BeginStep() {
    const CandidateId step = NextStep();
    const CandidateId known = step - config_.in_flight;
    state_.ApplyUpTo(known);
    OpenStep open;
    open.context = std::make_shared<const ProposalContext>(MakeContext(
        {step, Draw(step, 0), known}, state_, config_, parts_.evaluator, hash_normalized_));
    const CandidateId parent = open.context->selection.parent->id;
    KS_ASSIGN_OR_RETURN(open.request, RequestFor(step, parent));
    pipeline_->Ask(step, open.context, stop_);
    open_.emplace(step, std::move(open));
    return true;
  }

  // Evaluates at once, whatever earlier steps are still waiting for; what turns out to repeat one
  // of them is sorted out in the order of steps.
  Status Answered(CandidateId id, Answer answer) {
    OpenStep& open = open_.at(id);
    if (!answer.proposal.ok()) {
      if (!failure_) failure_ = answer.proposal.error().Under("proposing " + CandidateName(id));
    } else if (const std::optional<Proposal>& proposal = *answer.proposal;
               proposal && !proposal->refused && !IsKnown(answer)) {
      open.request.source = proposal->source;
      pipeline_->Evaluate(id, std::move(open.request));
    }
    open.answer = std::move(answer);
    return RecordAnswered();
  }

  // Records the steps that were answered, in order, as far as there is no gap.
  Status RecordAnswered() {
    while (!open_.empty() && open_.begin()->second.answer) {
      const auto first = open_.begin();
      if (!first->second.answer->proposal.ok() && !FillGap(first->second)) return {};
      const CandidateId id = first->first;
      const OpenStep open = std::move(first->second);
      open_.erase(first);
      KS_RETURN_IF_ERROR(RecordOpen(id, open));
    }
    return {};
  }

  // The first open step has no answer. If a later one has, that one is kept and this one becomes a
  // failed candidate; if none can have any more, all are dropped and the next run asks again.
  bool FillGap(OpenStep& first) {
    bool waiting = false;
    for (const auto& [id, open] : open_) {
      if (!open.answer) waiting = true;
      if (!open.answer || !open.answer->proposal.ok()) continue;
      Proposal nothing;
      nothing.skill = "none";
      nothing.refused = Rejected{"no_answer", first.answer->proposal.error().message};
      first.answer->proposal = std::optional(std::move(nothing));
      return true;
    }
    if (!waiting) open_.clear();
    return false;
  }

  Status RecordOpen(CandidateId id, const OpenStep& open) {
    Answer answer = *open.answer;
    std::optional<Proposal>& proposal = *answer.proposal;
    nothing_in_a_row_ = proposal ? 0 : nothing_in_a_row_ + 1;
    if (!proposal) {
      proposal.emplace();
      proposal->skill = "none";
      proposal->refused = Rejected{"no_proposal", "there was nothing to propose for this parent"};
    }
    const CandidateId twin =
        proposal->refused ? kNoCandidate : state_.seen()->First(answer.normalized_hash);
    KS_RETURN_IF_ERROR(RecordAnswer(id, *open.context, answer));
    if (proposal->refused) return Conclude(id, NotEvaluated(*proposal->refused));
    if (twin != kNoCandidate) return Conclude(id, NotEvaluated(DuplicateOf{twin}));
    return open.evaluation ? Conclude(id, *open.evaluation) : Status();
  }

  // REQUIRES: there is a proposal.
  Status RecordAnswer(CandidateId id, const ProposalContext& context, const Answer& answer) {
    const Proposal& proposal = **answer.proposal;
    CandidateProposed proposed;
    proposed.id = id;
    proposed.step = id;
    proposed.parent = context.selection.parent->id;
    for (const MemberPtr& other : context.selection.inspirations) {
      proposed.inspirations.push_back(other->id);
    }
    proposed.island = context.selection.island;
    proposed.generation = context.selection.parent->generation + 1;
    proposed.skill = proposal.skill;
    proposed.rationale = proposal.rationale;
    proposed.propose_seconds = answer.seconds;
    proposed.refused = proposal.refused.has_value();
    proposed.normalized_hash = answer.normalized_hash;
    ModelUse use{proposal.model, proposal.cost_usd, proposal.prompt_tokens, proposal.answer_tokens,
                 proposal.exchange};
    if (!(use == ModelUse())) proposed.use = std::move(use);
    return Record(std::move(proposed), proposal.source);
  }

  Status Record(CandidateProposed proposed, const std::string& source) {
    KS_ASSIGN_OR_RETURN(proposed.source_hash, parts_.store.PutSource(source));
    KS_RETURN_IF_ERROR(Emit(proposed));
    state_.AddProposal(proposed, source, proposed.normalized_hash);
    return {};
  }

  // The rival of a failed parent is the nearest measured ancestor.
  MemberPtr RivalFrom(CandidateId parent) const {
    for (CandidateId at = parent; at != kNoCandidate; at = state_.proposed(at).parent) {
      MemberPtr member = state_.member(at);
      if (member != nullptr && member->measured() != nullptr) return member;
    }
    return nullptr;
  }

  static Result<std::optional<Rival>> RivalOf(const MemberPtr& member) {
    if (member == nullptr) return std::optional<Rival>();
    Result<std::string> source = member->source.Load();
    if (!source.ok()) return source.error().Under(CandidateName(member->id));
    const Measured& measured = *member->measured();
    return std::optional(Rival{*std::move(source), measured.speedup, measured.confirmed});
  }

  // All but the source, from the state as it is.
  Result<EvaluationRequest> RequestFor(CandidateId id, CandidateId parent) {
    EvaluationRequest request;
    request.seed = DeriveSeed(config_.seed, "evaluate", static_cast<uint64_t>(id));
    request.held_out = true;
    if (id == 0 || state_.baseline() == kNoCandidate) {
      request.baseline_source = parts_.baseline_variants.front();
      return request;
    }
    request.baseline_source = state_.source(state_.baseline());
    KS_ASSIGN_OR_RETURN(request.parent, RivalOf(RivalFrom(parent)));
    KS_ASSIGN_OR_RETURN(request.champion, RivalOf(parts_.archive.best()));
    request.seen_binary = [this](const std::string& hash) { return binaries_.Find(hash); };
    return request;
  }

  Status Submit(CandidateId id) {
    KS_ASSIGN_OR_RETURN(EvaluationRequest request, RequestFor(id, state_.proposed(id).parent));
    request.source = state_.source(id);
    pipeline_->Evaluate(id, std::move(request));
    return {};
  }

  // Waits for one answer or result and commits it; ticks meanwhile.
  Status AwaitOne() {
    std::optional<Arrival> arrival;
    while (!(arrival = pipeline_->Wait(kTickMs))) {
      for (Observer* observer : parts_.observers) observer->OnTick(Elapsed());
    }
    const CandidateId id = arrival->id;
    if (Answer* answer = std::get_if<Answer>(&arrival->what)) {
      return Answered(id, std::move(*answer));
    }
    Result<Evaluation>& result = *std::get_if<Result<Evaluation>>(&arrival->what);
    if (!result.ok()) return result.error().Under("evaluating " + CandidateName(id));
    if (const auto open = open_.find(id); open != open_.end()) {
      open->second.evaluation = *std::move(result);
      return {};
    }
    // What was evaluated in vain: an earlier step turned out to have the same source.
    if (id >= state_.size() || state_.judged(id)) return {};
    return Conclude(id, *std::move(result));
  }

  Status Conclude(CandidateId id, Evaluation evaluation) {
    KS_RETURN_IF_ERROR(Emit(CandidateEvaluated{id, evaluation}));
    binaries_.Put(evaluation, id);
    state_.SetEvaluation(id, std::move(evaluation));
    return {};
  }

  RunConfig config_;
  const RunIdentity& identity_;
  const EngineParts& parts_;
  std::stop_token stop_;
  BinaryIndex binaries_;
  RunState state_;
  int64_t start_ns_;
  double elapsed_before_s_ = 0;
  const Pipeline::HashNormalized hash_normalized_;
  std::map<CandidateId, OpenStep> open_;  // begun, not recorded; without gaps from state_.size()
  std::optional<Error> failure_;          // of the proposer: no further step is begun
  int nothing_in_a_row_ = 0;              // steps for which a slow proposer had nothing
  std::optional<Pipeline> pipeline_;      // last: its workers use the index
};

}  // namespace

Result<RunEnd> RunSearch(const RunConfig& config, const RunIdentity& identity,
                         const EngineParts& parts, std::stop_token stop) {
  if (parts.baseline_variants.empty()) {
    return Error{ErrorCode::kInvalidArgument, "the task has no seed for this backend"};
  }
  return Search(config, identity, parts, std::move(stop)).Run();
}

}  // namespace ks
