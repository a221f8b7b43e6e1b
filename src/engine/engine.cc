#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/rng.h"
#include "engine/evaluation_pool.h"
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

// One search. Single thread, but for the pool's workers.
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
        pool_(parts.evaluator, std::max(1, config.jobs)) {}

  Result<RunEnd> Run() {
    KS_ASSIGN_OR_RETURN(const std::vector<Event> record, parts_.store.Read(0));
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
    started.jobs = config_.jobs;
    started.config_json = identity_.config_json;
    started.config_hash = identity_.config_hash;
    started.version = identity_.version;
    started.machine = parts_.evaluator.machine();
    return Emit(std::move(started));
  }

  Status Resume(const std::vector<Event>& record) {
    const auto* started = std::get_if<RunStarted>(&record.front().body);
    if (started == nullptr) {
      return Error{ErrorCode::kDataLoss, "the record does not begin with the start of a run"};
    }
    if (started->task_hash != parts_.evaluator.task().hash) {
      return Error{ErrorCode::kFailedPrecondition,
                   "the task '" + started->task +
                       "' has changed since this run began; start a new run folder"};
    }
    config_.jobs = started->jobs;  // they decide what a proposal may look at
    config_.seed = started->seed;
    for (const Event& event : record) {
      elapsed_before_s_ = std::max(elapsed_before_s_, event.elapsed_s);
      for (Observer* observer : parts_.observers) observer->OnEvent(event);
      KS_RETURN_IF_ERROR(TakeOver(event));
    }
    KS_RETURN_IF_ERROR(Emit(RunResumed{identity_.version}));
    for (CandidateId id = 0; id < state_.size(); ++id) {
      if (state_.judged(id)) continue;
      // What the proposal had seen, so that the evaluation gets the same rivals.
      if (state_.baseline() != kNoCandidate) {
        state_.ApplyUpTo(std::max(id - config_.jobs, state_.proposed(id).parent));
      }
      Submit(id);
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
      std::string normalized = NormalizedHash(source);
      state_.AddProposal(*proposed, std::move(source), std::move(normalized));
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

  std::string NormalizedHash(const std::string& source) const {
    return Sha256Hex(parts_.normalize ? parts_.normalize(source) : source);
  }

  // Until a limit; returns the reason.
  Result<std::string> Loop() {
    KS_RETURN_IF_ERROR(ProbeBaseline());
    if (state_.baseline() == kNoCandidate) return std::string("interrupted");
    std::string reason;
    for (;;) {
      if (reason.empty()) reason = LimitReached();
      bool proposed = false;
      if (reason.empty() && ReadyToPropose()) {
        KS_ASSIGN_OR_RETURN(proposed, ProposeNext());
        if (!proposed && pool_.in_flight() == 0) reason = "exhausted";
      }
      if (pool_.in_flight() == 0 && !reason.empty()) return reason;
      if (!proposed) KS_RETURN_IF_ERROR(AwaitOne());
    }
  }

  std::string LimitReached() const {
    if (stop_.stop_requested()) return "interrupted";
    if (config_.max_steps > 0 && Steps() >= config_.max_steps) return "steps";
    if (config_.max_minutes > 0 && Elapsed() >= config_.max_minutes * 60) return "minutes";
    const MemberPtr best = parts_.archive.best();
    if (config_.until_speedup > 0 && best != nullptr &&
        best->measured()->speedup.low >= config_.until_speedup) {
      return "until";
    }
    return "";
  }

  // The results that the next proposal may look at have all arrived.
  bool ReadyToPropose() const {
    const CandidateId last = state_.size() - config_.jobs;
    for (CandidateId id = state_.applied(); id <= last; ++id) {
      if (!state_.judged(id)) return false;
    }
    return pool_.in_flight() < config_.jobs;
  }

  // The seed, then its flag variants against it; the fastest becomes the baseline. A stop request
  // leaves it unchosen: a resumed run tries the other variants first.
  Status ProbeBaseline() {
    while (state_.baseline() == kNoCandidate) {
      const bool stopping = stop_.stop_requested();
      if (!stopping && state_.size() < Probes() && (state_.size() == 0 || state_.judged(0))) {
        KS_RETURN_IF_ERROR(RecordProbe(state_.size()));
      }
      if (pool_.in_flight() > 0 && (stopping || pool_.in_flight() >= config_.jobs ||
                                    state_.size() >= Probes() || !state_.judged(0))) {
        KS_RETURN_IF_ERROR(AwaitOne());
        KS_RETURN_IF_ERROR(RefuseBadSeed());
      }
      if (pool_.in_flight() > 0) continue;
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
    return Record(std::move(proposed), parts_.baseline_variants[static_cast<size_t>(id)]);
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

  // False: nothing to propose from the state as it is (after draining what was in flight).
  Result<bool> ProposeNext() {
    const CandidateId step = state_.size();
    state_.ApplyUpTo(step - config_.jobs);
    KS_ASSIGN_OR_RETURN(bool done, TryPropose(step));
    if (done) return true;
    while (pool_.in_flight() > 0) KS_RETURN_IF_ERROR(AwaitOne());
    state_.ApplyUpTo(step - 1);
    return TryPropose(step);
  }

  Result<bool> TryPropose(CandidateId step) {
    for (int attempt = 0; attempt < kSelectionTries; ++attempt) {
      const auto index =
          static_cast<uint64_t>(step) * kSelectionTries + static_cast<uint64_t>(attempt);
      const int64_t begin_ns = parts_.clock.MonotonicNs();
      ProposalContext context;
      context.backend = config_.backend;
      context.task = &parts_.evaluator.task();
      context.machine = &parts_.evaluator.machine();
      context.selection = parts_.archive.Select(DeriveSeed(config_.seed, "select", index));
      context.skills = state_.skills();
      context.children = state_.ChildrenOf(context.selection.parent->id);
      context.seed = DeriveSeed(config_.seed, "propose", index);
      context.seen = [this](const std::string& source) {
        return state_.seen(NormalizedHash(source));
      };
      KS_ASSIGN_OR_RETURN(std::optional<Proposal> proposal,
                          parts_.proposer.Propose(context, stop_));
      if (!proposal || context.seen(proposal->source)) continue;
      CandidateProposed proposed;
      proposed.id = step;
      proposed.step = step;
      proposed.parent = context.selection.parent->id;
      for (const MemberPtr& other : context.selection.inspirations) {
        proposed.inspirations.push_back(other->id);
      }
      proposed.island = context.selection.island;
      proposed.generation = context.selection.parent->generation + 1;
      proposed.skill = proposal->skill;
      proposed.rationale = proposal->rationale;
      proposed.propose_seconds = static_cast<double>(parts_.clock.MonotonicNs() - begin_ns) * 1e-9;
      KS_RETURN_IF_ERROR(Record(std::move(proposed), proposal->source));
      return true;
    }
    return false;
  }

  Status Record(CandidateProposed proposed, const std::string& source) {
    KS_ASSIGN_OR_RETURN(proposed.source_hash, parts_.store.PutSource(source));
    KS_RETURN_IF_ERROR(Emit(proposed));
    const CandidateId id = proposed.id;
    state_.AddProposal(proposed, source, NormalizedHash(source));
    Submit(id);
    return {};
  }

  // The rival of a failed parent is the nearest measured ancestor.
  const Member* RivalOf(CandidateId id) const {
    for (CandidateId at = state_.proposed(id).parent; at != kNoCandidate;
         at = state_.proposed(at).parent) {
      const MemberPtr member = state_.member(at);
      if (member != nullptr && member->measured() != nullptr) return member.get();
    }
    return nullptr;
  }

  static Rival RivalFrom(const Member& member) {
    return {member.source, member.measured()->speedup, member.measured()->confirmed};
  }

  void Submit(CandidateId id) {
    EvaluationRequest request;
    request.source = state_.source(id);
    request.seed = DeriveSeed(config_.seed, "evaluate", static_cast<uint64_t>(id));
    request.held_out = true;
    if (id == 0 || state_.baseline() == kNoCandidate) {
      request.baseline_source = state_.source(0);
    } else {
      request.baseline_source = state_.source(state_.baseline());
      if (const Member* rival = RivalOf(id)) {
        request.parent = RivalFrom(*rival);
      }
      if (const MemberPtr best = parts_.archive.best()) {
        request.champion = RivalFrom(*best);
      }
      request.seen_binary = [this](const std::string& hash) { return binaries_.Find(hash); };
    }
    pool_.Submit(id, std::move(request));
  }

  // Waits for one result and commits it; ticks meanwhile.
  Status AwaitOne() {
    std::optional<EvaluationPool::Done> done;
    while (!(done = pool_.Wait(kTickMs))) {
      for (Observer* observer : parts_.observers) observer->OnTick(Elapsed());
    }
    if (!done->result.ok()) {
      return done->result.error().Under("evaluating " + CandidateName(done->id));
    }
    KS_RETURN_IF_ERROR(Emit(CandidateEvaluated{done->id, *done->result}));
    binaries_.Put(*done->result, done->id);
    state_.SetEvaluation(done->id, *std::move(done->result));
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
  EvaluationPool pool_;  // last: its workers use the index
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
