#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/rng.h"
#include "core/skill_record.h"
#include "engine/context.h"
#include "engine/evaluation_request.h"
#include "engine/novelty_gate.h"
#include "engine/pipeline.h"
#include "engine/record_fold.h"
#include "engine/run_log.h"
#include "engine/run_state.h"
#include "engine/source_cache.h"

namespace ks {
namespace {

constexpr int kWaitMs = 250;
constexpr int kSelectionTries = 24;  // draws before a state counts as exhausted
constexpr CandidateId kRecalledSteps = 64;

// Threads that wait for a server: one a step in flight, within reason.
constexpr int kMostAskers = 1024;

int AskersFor(const Proposer& proposer, const RunConfig& config) {
  return proposer.slow() ? std::clamp(config.in_flight, 1, kMostAskers) : 0;
}

// A step that was begun and is not recorded yet: its proposer is being asked, or was faster than
// that of an earlier step.
struct OpenStep {
  std::shared_ptr<const ProposalContext> context;
  EvaluationOrder order;  // but for the source: rivals as they were when the step began
  std::optional<Answer> answer;
  bool evaluating = false;
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
        sources_(std::make_shared<SourceCache>(parts.store)),
        state_(parts.archive, parts.store, sources_),
        novelty_(parts.novelty, state_, parts.normalize),
        baseline_source_(parts.baseline_variants.front()),
        hash_normalized_([normalize = parts.normalize](const std::string& source) {
          return Sha256Hex(normalize ? normalize(source) : source);
        }) {}

  Result<RunEnd> Run() {
    KS_ASSIGN_OR_RETURN(const std::vector<Event> first, parts_.store.ReadSome(0, 1));
    KS_RETURN_IF_ERROR(first.empty() ? Open(0, 0) : OpenRecorded(first.front()));
    Status status = first.empty() ? Begin() : Resume();
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
      if (log_->Add(RunStopped{"error: " + status.error().message}).ok()) {
        static_cast<void>(log_->Flush().ok());
      }
      return status.error();
    }
    KS_RETURN_IF_ERROR(log_->Add(RunStopped{reason}));
    KS_RETURN_IF_ERROR(log_->Flush());
    if (state_.baseline() != kNoCandidate) state_.ApplyJudged();
    const MemberPtr best = parts_.archive.best();
    return RunEnd{reason, Steps(), best ? best->id : kNoCandidate, parts_.archive.Hash()};
  }

 private:
  CandidateId Probes() const { return static_cast<CandidateId>(parts_.baseline_variants.size()); }
  int64_t Steps() const { return std::max<int64_t>(0, state_.size() - Probes()); }

  // `recorded` events are there already.
  Status Open(int64_t recorded, double elapsed_s) {
    pipeline_.emplace(parts_.evaluator, parts_.proposer, parts_.clock, hash_normalized_,
                      std::max(1, config_.workers), AskersFor(parts_.proposer, config_));
    log_.emplace(parts_.store, *sources_, parts_.clock, parts_.observers, recorded, elapsed_s,
                 [this] { pipeline_->Nudge(); });
    return {};
  }

  Status OpenRecorded(const Event& first) {
    KS_RETURN_IF_ERROR(TakeOverProtocol(first));
    int64_t recorded = 0;
    double elapsed_s = 0;
    KS_ASSIGN_OR_RETURN(const int64_t last, parts_.store.LastSequence());
    RecordFold fold(parts_.store, hash_normalized_, config_.in_flight, last, state_);
    const EventsVisitor prepare = [&](std::span<const Event> events) {
      return fold.Prepare(events);
    };
    KS_RETURN_IF_ERROR(ForEachEvent(parts_.store, prepare, [&](const Event& event) {
      recorded = event.sequence;
      elapsed_s = std::max(elapsed_s, event.elapsed_s);
      for (Observer* observer : parts_.observers) observer->OnEvent(event);
      return fold.TakeOver(event);
    }));
    return Open(recorded, elapsed_s);
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
    started.prior_skills = identity_.prior_skills;
    KS_RETURN_IF_ERROR(TakeOverSkills(started));
    KS_RETURN_IF_ERROR(log_->Add(std::move(started)));
    return log_->Flush();
  }

  Status TakeOverSkills(const RunStarted& started) {
    Result<SkillRecords> records = SkillRecordsFromText(started.prior_skills);
    if (!records.ok()) return records.error().Under("skills of other runs");
    state_.SetPriorSkills(*std::move(records));
    return {};
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
    return TakeOverSkills(*started);
  }

  Status Resume() {
    KS_RETURN_IF_ERROR(log_->Add(RunResumed{identity_.version}));
    if (state_.baseline() != kNoCandidate) KS_RETURN_IF_ERROR(LoadBaseline());
    for (CandidateId id = state_.applied(); id < state_.size(); ++id) {
      if (state_.judged(id)) continue;
      if (state_.proposed(id).refused) {
        KS_RETURN_IF_ERROR(Conclude(id, NotEvaluated(Rejected{"refused", "reason not recorded"})));
        continue;
      }
      // What the proposal had seen, so that the evaluation gets the same rivals.
      if (state_.baseline() != kNoCandidate) {
        state_.ApplyUpTo(std::max(id - config_.in_flight, state_.parent(id)));
      }
      KS_ASSIGN_OR_RETURN(const std::string source,
                          parts_.store.GetSource(state_.proposed(id).source_hash));
      KS_RETURN_IF_ERROR(Submit(id, source));
    }
    KS_RETURN_IF_ERROR(Recall());
    // Last: for a moment after what they do, threads do not have to be woken up.
    KS_RETURN_IF_ERROR(log_->Flush());
    pipeline_->Rouse();
    return {};
  }

  // Looks at what the next steps will look at, so that the first one after a resume does not wait
  // for the disk, or for memory that nobody used yet, more often than any other.
  Status Recall() {
    static_cast<void>(hash_normalized_(baseline_source_));
    if (parts_.archive.best() == nullptr) return {};
    for (CandidateId step = state_.size(); step < state_.size() + kRecalledSteps; ++step) {
      const Result<ProposalContext> context = ContextOf(step, 0, step);
      if (!context.ok()) return context.error();
      KS_ASSIGN_OR_RETURN(EvaluationOrder order,
                          MakeOrder(step, context->selection.parent->id, state_, config_,
                                    baseline_source_, std::exchange(spent_request_, {})));
      KS_RETURN_IF_ERROR(LoadRivals(order));
      spent_request_ = std::move(order.request);
    }
    return {};
  }

  Result<ProposalContext> ContextOf(CandidateId step, int attempt, CandidateId knows_up_to) const {
    return MakeContext({step, Draw(step, attempt), knows_up_to}, state_, config_, parts_.evaluator,
                       hash_normalized_);
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
    if (config_.max_minutes > 0 && log_->Elapsed() >= config_.max_minutes * 60) return "minutes";
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
  bool MayBegin() const { return state_.judged_up_to(NextStep() - config_.in_flight); }

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
        KS_RETURN_IF_ERROR(log_->Flush());
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
    KS_RETURN_IF_ERROR(
        Record(std::move(proposed), std::make_shared<const std::string>(source), std::nullopt));
    KS_RETURN_IF_ERROR(log_->Flush());
    return Submit(id, source);
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
    KS_RETURN_IF_ERROR(log_->Add(BaselineChosen{chosen}));
    KS_RETURN_IF_ERROR(log_->Flush());
    state_.ChooseBaseline(chosen);
    return LoadBaseline();
  }

  Status LoadBaseline() {
    KS_ASSIGN_OR_RETURN(const MemberPtr baseline, state_.Find(state_.baseline()));
    KS_ASSIGN_OR_RETURN(baseline_source_, baseline->source.Load());
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
    KS_RETURN_IF_ERROR(novelty_.NoteUpTo(state_.applied() - 1));
    for (int attempt = 0; attempt < kSelectionTries; ++attempt) {
      KS_ASSIGN_OR_RETURN(ProposalContext context, ContextOf(step, attempt, step));
      const MemberPtr parent = context.selection.parent;
      // A near copy counts as seen, so that the proposer goes on to its next idea.
      context.seen = [this, parent, seen = std::move(context.seen)](const std::string& source) {
        return seen(source) || novelty_.NearCopyOf(source, *parent);
      };
      Answer answer = AskNow(parts_.proposer, context, hash_normalized_, parts_.clock, stop_);
      if (!answer.proposal.ok()) {
        failure_ = answer.proposal.error();
        return false;
      }
      std::optional<Proposal>& proposal = *answer.proposal;
      if (!proposal || (!proposal->refused && IsKnown(answer))) continue;
      if (!proposal->refused && novelty_.NearCopyOf(proposal->source, *parent)) continue;
      std::optional<Evaluation> outcome;
      if (proposal->refused) outcome = NotEvaluated(*proposal->refused);
      const auto source = std::make_shared<const std::string>(std::move(proposal->source));
      KS_RETURN_IF_ERROR(RecordAnswer(step, context, answer, source, std::move(outcome)));
      if (!proposal->refused) KS_RETURN_IF_ERROR(Submit(step, *source));
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
    KS_ASSIGN_OR_RETURN(ProposalContext context, ContextOf(step, 0, known));
    open.context = std::make_shared<const ProposalContext>(std::move(context));
    const CandidateId parent = open.context->selection.parent->id;
    KS_ASSIGN_OR_RETURN(open.order, MakeOrder(step, parent, state_, config_, baseline_source_));
    pipeline_->Ask(step, open.context, stop_);
    open_.emplace(step, std::move(open));
    return true;
  }

  // Evaluates at once, whatever earlier steps are still waiting for; what turns out to repeat one
  // of them is sorted out in the order of steps.
  Status Answered(CandidateId id, Answer answer) {
    if (!answer.proposal.ok() && !failure_) {
      failure_ = answer.proposal.error().Under("proposing " + CandidateName(id));
    }
    open_.at(id).answer = std::move(answer);
    KS_RETURN_IF_ERROR(RecordAnswered());
    const auto open = open_.find(id);
    if (open == open_.end() || !open->second.answer->proposal.ok()) return {};
    const std::optional<Proposal>& proposal = *open->second.answer->proposal;
    if (!proposal || proposal->refused || IsKnown(*open->second.answer)) return {};
    return EvaluateOpen(id, open->second, *proposal);
  }

  Status EvaluateOpen(CandidateId id, OpenStep& open, const Proposal& proposal) {
    open.order.request.source = proposal.source;
    if (proposal.parent && *proposal.parent != open.context->selection.parent->id) {
      KS_ASSIGN_OR_RETURN(const EvaluationOrder other,
                          MakeOrder(id, *proposal.parent, state_, config_, baseline_source_));
      open.order.request.parent = other.request.parent;
      open.order.parent = other.parent;
    }
    open.evaluating = true;
    pipeline_->Evaluate(id, std::move(open.order));
    return {};
  }

  // Records the steps that were answered, in order, as far as there is no gap.
  Status RecordAnswered() {
    while (!open_.empty() && open_.begin()->second.answer) {
      const auto first = open_.begin();
      if (!first->second.answer->proposal.ok() && !FillGap(first->second)) return {};
      const CandidateId id = first->first;
      OpenStep open = std::move(first->second);
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

  Status RecordOpen(CandidateId id, OpenStep& open) {
    Answer answer = *open.answer;
    std::optional<Proposal>& proposal = *answer.proposal;
    nothing_in_a_row_ = proposal ? 0 : nothing_in_a_row_ + 1;
    if (!proposal) {
      proposal.emplace();
      proposal->skill = "none";
      proposal->refused = Rejected{"no_proposal", "there was nothing to propose for this parent"};
    }
    KS_RETURN_IF_ERROR(novelty_.NoteUpTo(id - config_.in_flight));
    if (!proposal->refused) {
      MemberPtr parent = open.context->selection.parent;
      if (proposal->parent) {
        KS_ASSIGN_OR_RETURN(parent, state_.Find(*proposal->parent));
      }
      if (const auto copied = novelty_.NearCopyOf(proposal->source, *parent)) {
        proposal->refused = Rejected{
            "near_copy", "a near copy of " + CandidateName(*copied) + ", which led nowhere"};
        answer.normalized_hash.clear();
      }
    }
    const CandidateId twin =
        proposal->refused ? kNoCandidate : state_.seen()->First(answer.normalized_hash);
    std::optional<Evaluation> outcome = open.evaluation;
    if (proposal->refused) outcome = NotEvaluated(*proposal->refused);
    if (twin != kNoCandidate) outcome = NotEvaluated(DuplicateOf{twin});
    const bool wanted = !outcome && !open.evaluating;
    const auto source = std::make_shared<const std::string>(proposal->source);
    KS_RETURN_IF_ERROR(RecordAnswer(id, *open.context, answer, source, std::move(outcome)));
    return wanted ? EvaluateOpen(id, open, *proposal) : Status();
  }

  // With its outcome if that is known. REQUIRES: there is a proposal, whose text is `source`.
  Status RecordAnswer(CandidateId id, const ProposalContext& context, const Answer& answer,
                      std::shared_ptr<const std::string> source,
                      std::optional<Evaluation> outcome) {
    const Proposal& proposal = **answer.proposal;
    CandidateProposed proposed;
    proposed.id = id;
    proposed.step = id;
    MemberPtr parent = context.selection.parent;
    if (proposal.parent) {
      KS_ASSIGN_OR_RETURN(parent, state_.Find(*proposal.parent));
    }
    proposed.parent = parent->id;
    for (const MemberPtr& other : context.selection.inspirations) {
      proposed.inspirations.push_back(other->id);
    }
    proposed.island = context.selection.island;
    proposed.generation = parent->generation + 1;
    proposed.skill = proposal.skill;
    proposed.rationale = proposal.rationale;
    proposed.propose_seconds = answer.seconds;
    proposed.refused = proposal.refused.has_value();
    proposed.normalized_hash = answer.normalized_hash;
    ModelUse use{proposal.model, proposal.cost_usd, proposal.prompt_tokens, proposal.answer_tokens,
                 proposal.exchange};
    if (!(use == ModelUse())) proposed.use = std::move(use);
    if (const std::string learnt = novelty_.TakeRecord(); !learnt.empty()) {
      KS_ASSIGN_OR_RETURN(proposed.novelty_record, parts_.store.PutSource(learnt));
    }
    return Record(std::move(proposed), std::move(source), std::move(outcome));
  }

  // A proposal, and its outcome when it is known.
  Status Record(CandidateProposed proposed, std::shared_ptr<const std::string> source,
                std::optional<Evaluation> outcome) {
    const CandidateId id = proposed.id;
    KS_ASSIGN_OR_RETURN(const int64_t sequence, log_->Add(proposed, std::move(source), outcome));
    const std::string normalized = proposed.normalized_hash;
    state_.AddProposal(sequence, std::move(proposed), normalized);
    if (outcome) Judge(sequence + 1, id, *std::move(outcome));
    return {};
  }

  Status Submit(CandidateId id, const std::string& source) {
    KS_ASSIGN_OR_RETURN(EvaluationOrder order,
                        MakeOrder(id, state_.parent(id), state_, config_, baseline_source_,
                                  std::exchange(spent_request_, {})));
    order.request.source = source;
    pipeline_->Evaluate(id, std::move(order));
    return {};
  }

  // Waits for one answer or result and commits it; ticks meanwhile.
  Status AwaitOne() {
    std::optional<Arrival> arrival;
    log_->TellObservers();
    while (!(arrival = pipeline_->Wait(kWaitMs))) {
      log_->TellObservers();
      log_->Tick();
    }
    const CandidateId id = arrival->id;
    if (Answer* answer = std::get_if<Answer>(&arrival->what)) {
      return Answered(id, std::move(*answer));
    }
    if (arrival->request) spent_request_ = std::move(*arrival->request);
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
    KS_ASSIGN_OR_RETURN(const int64_t sequence, log_->Add(CandidateEvaluated{id, evaluation}));
    Judge(sequence, id, std::move(evaluation));
    return {};
  }

  void Judge(int64_t sequence, CandidateId id, Evaluation evaluation) {
    state_.NoteBinary(id, evaluation);
    state_.SetEvaluation(sequence, id, std::move(evaluation));
  }

  RunConfig config_;
  const RunIdentity& identity_;
  const EngineParts& parts_;
  std::stop_token stop_;
  const std::shared_ptr<SourceCache> sources_;
  RunState state_;
  NoveltyGate novelty_;
  std::string baseline_source_;  // the seed's until the baseline is chosen
  const Pipeline::HashNormalized hash_normalized_;
  EvaluationRequest spent_request_;       // for its memory
  std::map<CandidateId, OpenStep> open_;  // begun, not recorded; without gaps from state_.size()
  std::optional<Error> failure_;          // of the proposer: no further step is begun
  int nothing_in_a_row_ = 0;              // steps for which a slow proposer had nothing
  std::optional<Pipeline> pipeline_;      // its workers use what is above
  std::optional<RunLog> log_;             // last: it nudges the pipeline
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
