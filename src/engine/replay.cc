// Replay: the search again, with the record in place of the evaluator.
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/hash.h"
#include "engine/engine.h"
#include "engine/run_state.h"
#include "engine/source_cache.h"

namespace ks {
namespace {

// A run's record in the order of candidates.
struct Record {
  struct Entry {
    int64_t proposed_at = 0;  // sequences of the events
    int64_t evaluated_at = 0;
    CandidateProposed proposed;
    std::string source;
    std::optional<Evaluation> evaluation;
  };
  RunStarted started;
  std::vector<Entry> entries;
  CandidateId baseline = kNoCandidate;
  size_t probes = 0;  // candidates before the baseline was chosen

  // Number of leading candidates that were all judged.
  size_t JudgedPrefix() const {
    const auto end = std::find_if(entries.begin(), entries.end(),
                                  [](const Entry& e) { return !e.evaluation.has_value(); });
    return static_cast<size_t>(end - entries.begin());
  }
};

Error Broken(const std::string& what) { return {ErrorCode::kDataLoss, "broken record: " + what}; }

Result<Record> ReadRecord(const Store& store) {
  KS_ASSIGN_OR_RETURN(const std::vector<Event> events, store.Read(0));
  if (events.empty()) return Broken("it is empty");
  Record record;
  for (const Event& event : events) {
    if (const auto* started = std::get_if<RunStarted>(&event.body)) record.started = *started;
    if (const auto* proposed = std::get_if<CandidateProposed>(&event.body)) {
      if (proposed->id != static_cast<CandidateId>(record.entries.size())) {
        return Broken(fmt::format("candidate {} out of order", proposed->id));
      }
      KS_ASSIGN_OR_RETURN(std::string source, store.GetSource(proposed->source_hash));
      record.entries.push_back({event.sequence, 0, *proposed, std::move(source), std::nullopt});
    }
    if (const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
      if (evaluated->id < 0 || evaluated->id >= static_cast<CandidateId>(record.entries.size())) {
        return Broken(fmt::format("result of unknown candidate {}", evaluated->id));
      }
      Record::Entry& entry = record.entries[static_cast<size_t>(evaluated->id)];
      if (entry.evaluation) return Broken(CandidateName(evaluated->id) + " was judged twice");
      entry.evaluation = evaluated->evaluation;
      entry.evaluated_at = event.sequence;
    }
    if (const auto* chosen = std::get_if<BaselineChosen>(&event.body)) {
      record.baseline = chosen->id;
      record.probes = record.entries.size();
    }
  }
  return record;
}

// The state after the first `count` candidates (those that were judged).
Status Fold(const Record& record, size_t count, RunState& state) {
  for (size_t i = 0; i < std::min(count, record.entries.size()); ++i) {
    const Record::Entry& entry = record.entries[i];
    state.AddProposal(entry.proposed_at, entry.proposed, "");
    if (entry.evaluation) {
      state.SetEvaluation(entry.evaluated_at, entry.proposed.id, *entry.evaluation);
    }
    if (i + 1 != record.probes) continue;
    for (CandidateId id = 0; id < state.size(); ++id) {
      if (!state.judged(id)) return Broken("the baseline was chosen before all probes were judged");
    }
    if (AsMeasured(state.evaluation(record.baseline).outcome) == nullptr) {
      return Broken("the baseline was not measured");
    }
    state.ChooseBaseline(record.baseline);
  }
  if (state.baseline() != kNoCandidate) state.ApplyJudged();
  return {};
}

// Answers with the recorded outcome of the same source. Thread-safe: immutable.
class RecordedEvaluator final : public Evaluator {
 public:
  RecordedEvaluator(const Record& record, const Evaluator& real) : real_(real) {
    for (const Record::Entry& entry : record.entries) {
      if (entry.evaluation && !entry.proposed.refused)
        by_source_.emplace(Sha256Hex(entry.source), &*entry.evaluation);
    }
  }
  Result<Evaluation> Evaluate(const EvaluationRequest& request, std::stop_token) override {
    const auto it = by_source_.find(Sha256Hex(request.source));
    if (it == by_source_.end()) {
      return Error{ErrorCode::kNotFound, "the search proposed a kernel that is not in the record"};
    }
    return *it->second;
  }
  const Task& task() const override { return real_.task(); }
  const Machine& machine() const override { return real_.machine(); }

 private:
  const Evaluator& real_;
  std::map<std::string, const Evaluation*> by_source_;
};

// Answers for a proposer that asks a server: with what it said at that step. Thread-safe:
// immutable.
class RecordedProposer final : public Proposer {
 public:
  explicit RecordedProposer(const Record& record) : record_(record) {}
  Result<std::optional<Proposal>> Propose(const ProposalContext& context,
                                          std::stop_token) override {
    const Record::Entry& entry = record_.entries.at(static_cast<size_t>(context.step));
    Proposal proposal;
    proposal.source = entry.source;
    proposal.skill = entry.proposed.skill;
    proposal.rationale = entry.proposed.rationale;
    proposal.parent = entry.proposed.parent;
    if (entry.proposed.refused) proposal.refused = entry.evaluation->outcome;
    return std::optional(std::move(proposal));
  }
  bool slow() const override { return true; }

 private:
  const Record& record_;
};

// Keeps the replayed events; sources by hash. Thread-safe.
class ScratchStore final : public Store {
 public:
  Result<int64_t> AppendAll(std::span<const Event> events,
                            std::span<const NewSource> sources) override {
    const std::lock_guard lock(mutex_);
    for (const NewSource& source : sources) sources_[source.hash] = *source.text;
    for (const Event& event : events) {
      events_.push_back(event);
      events_.back().sequence = static_cast<int64_t>(events_.size());
    }
    return static_cast<int64_t>(events_.size());
  }
  Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit) const override {
    const std::lock_guard lock(mutex_);
    const auto size = static_cast<int64_t>(events_.size());
    const int64_t first = std::clamp(after, int64_t{0}, size);
    const int64_t count = std::clamp(limit, int64_t{0}, size - first);
    return std::vector<Event>(events_.begin() + first, events_.begin() + first + count);
  }
  Result<int64_t> LastSequence() const override {
    const std::lock_guard lock(mutex_);
    return static_cast<int64_t>(events_.size());
  }
  Result<std::string> PutSource(const std::string& source) override {
    const std::lock_guard lock(mutex_);
    std::string hash = Sha256Hex(source);
    sources_[hash] = source;
    return hash;
  }
  Result<std::string> GetSource(const std::string& hash) const override {
    const std::lock_guard lock(mutex_);
    const auto it = sources_.find(hash);
    if (it == sources_.end()) return Error{ErrorCode::kNotFound, "no source " + hash};
    return it->second;
  }
  Status PutResult(const std::string&, const Evaluation&) override { return {}; }
  Result<std::optional<Evaluation>> GetResult(const std::string&) const override {
    return std::optional<Evaluation>();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  std::map<std::string, std::string> sources_;
};

std::string FirstDifference(const Record& record, const std::vector<Event>& replayed) {
  size_t next = 0;
  for (const Event& event : replayed) {
    const auto* proposed = std::get_if<CandidateProposed>(&event.body);
    if (proposed == nullptr) continue;
    if (next >= record.entries.size()) return "the replay proposed more candidates than the record";
    const CandidateProposed& recorded = record.entries[next++].proposed;
    if (proposed->parent != recorded.parent) {
      return fmt::format("{}: parent {} in the record, {} in the replay",
                         CandidateName(recorded.id), CandidateName(recorded.parent),
                         CandidateName(proposed->parent));
    }
    if (proposed->skill != recorded.skill) {
      return fmt::format("{}: skill {} in the record, {} in the replay", CandidateName(recorded.id),
                         recorded.skill, proposed->skill);
    }
    if (proposed->source_hash != recorded.source_hash) {
      return fmt::format("{}: another source text", CandidateName(recorded.id));
    }
  }
  return "";
}

}  // namespace

Status RebuildArchive(const Store& store, Archive& archive) {
  KS_ASSIGN_OR_RETURN(const Record record, ReadRecord(store));
  RunState state(archive, store, std::make_shared<SourceCache>(store));
  return Fold(record, record.entries.size(), state);
}

Result<ReplayReport> ReplaySearch(const RunConfig& config, const RunIdentity& identity,
                                  const EngineParts& parts, Archive& replay_archive,
                                  std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const Record record, ReadRecord(parts.store));
  const size_t count = record.JudgedPrefix();
  if (record.baseline == kNoCandidate || count <= record.probes) {
    return Error{ErrorCode::kFailedPrecondition, "the run has no judged step to replay yet"};
  }
  RunState recorded(parts.archive, parts.store, std::make_shared<SourceCache>(parts.store));
  KS_RETURN_IF_ERROR(Fold(record, count, recorded));

  RunConfig replay_config = config;
  replay_config.seed = record.started.seed;
  replay_config.in_flight = record.started.jobs;
  replay_config.max_minutes = 0;
  replay_config.until_speedup = 0;
  replay_config.max_steps = static_cast<int64_t>(count - record.probes);
  RecordedEvaluator evaluator(record, parts.evaluator);
  RecordedProposer recorded_proposer(record);
  Proposer& proposer =
      parts.proposer.slow() ? static_cast<Proposer&>(recorded_proposer) : parts.proposer;
  ScratchStore store;
  EngineParts replay_parts{evaluator,   proposer, replay_archive,  store,
                           parts.clock, {},       parts.normalize, {}};
  if (!parts.proposer.slow()) replay_parts.novelty = parts.novelty;  // else the record says it
  for (size_t i = 0; i < record.probes; ++i) {
    replay_parts.baseline_variants.push_back(record.entries[i].source);
  }
  ReplayReport report;
  report.recorded_hash = parts.archive.Hash();
  RunIdentity replayed_identity = identity;
  replayed_identity.prior_skills = record.started.prior_skills;
  const Result<RunEnd> end =
      RunSearch(replay_config, replayed_identity, replay_parts, std::move(stop));
  if (!end.ok() && end.error().code != ErrorCode::kNotFound) return end.error();
  KS_ASSIGN_OR_RETURN(const std::vector<Event> replayed, store.Read(0));
  report.first_difference = FirstDifference(record, replayed);
  report.proposals = static_cast<int64_t>(count);
  report.replayed_hash = end.ok() ? end->archive_hash : "";
  if (report.first_difference.empty() && !end.ok()) report.first_difference = end.error().message;
  report.same = report.first_difference.empty() && report.recorded_hash == report.replayed_hash;
  return report;
}

}  // namespace ks
