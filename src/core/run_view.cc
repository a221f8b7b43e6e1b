#include "core/run_view.h"

#include <algorithm>

namespace ks {
namespace {

Error Broken(const Event& event, const std::string& what) {
  return {ErrorCode::kDataLoss,
          "event " + std::to_string(event.sequence) + " does not fit the run: " + what};
}

// Applies one event after the other.
class Folder {
 public:
  explicit Folder(RunView& view) : view_(view) {}

  Status Apply(const Event& event) {
    view_.elapsed_s = std::max(view_.elapsed_s, event.elapsed_s);
    return std::visit([&](const auto& body) { return On(event, body); }, event.body);
  }

 private:
  Status On(const Event& event, const RunStarted& started) {
    if (!view_.started.run_id.empty()) return Broken(event, "a second start");
    view_.started = started;
    view_.started_unix_ms = event.unix_ms;
    return {};
  }
  Status On(const Event& event, const CandidateProposed& proposed) {
    if (proposed.id != static_cast<CandidateId>(view_.candidates.size())) {
      return Broken(event, "candidate " + std::to_string(proposed.id) + " out of order");
    }
    view_.candidates.push_back({proposed, std::nullopt, event.elapsed_s});
    return {};
  }
  Status On(const Event& event, const CandidateEvaluated& evaluated) {
    if (evaluated.id < 0 || evaluated.id >= static_cast<CandidateId>(view_.candidates.size())) {
      return Broken(event, "result of an unknown candidate " + std::to_string(evaluated.id));
    }
    CandidateView& candidate = view_.candidates[static_cast<size_t>(evaluated.id)];
    if (candidate.evaluation) return Broken(event, "candidate was judged twice");
    candidate.evaluation = evaluated.evaluation;
    candidate.elapsed_s = event.elapsed_s;
    ++view_.evaluations;
    ++view_.outcomes[OutcomeName(evaluated.evaluation.outcome)];
    if (candidate.measured() == nullptr) return {};
    if (view_.best == kNoCandidate ||
        view_.SpeedupOf(evaluated.id).low > view_.SpeedupOf(view_.best).low) {
      view_.best = evaluated.id;
    }
    return {};
  }
  Status On(const Event& event, const BaselineChosen& chosen) {
    if (chosen.id < 0 || chosen.id >= static_cast<CandidateId>(view_.candidates.size()) ||
        view_.candidates[static_cast<size_t>(chosen.id)].measured() == nullptr) {
      return Broken(event, "the baseline was not measured");
    }
    view_.baseline = chosen.id;
    view_.best = chosen.id;
    view_.baseline_chosen_after = static_cast<CandidateId>(view_.candidates.size()) - 1;
    return {};
  }
  Status On(const Event&, const RunStopped& stopped) {
    view_.stop_reason = stopped.reason;
    return {};
  }
  Status On(const Event&, const RunResumed&) {
    view_.stop_reason.clear();
    ++view_.resumes;
    return {};
  }

  RunView& view_;
};

}  // namespace

Interval RunView::SpeedupOf(CandidateId id) const {
  if (id < 0 || id >= static_cast<CandidateId>(candidates.size())) return {};
  const Measured* measured = candidates[static_cast<size_t>(id)].measured();
  if (measured == nullptr) return {};
  if (baseline == kNoCandidate || id > baseline_chosen_after) return measured->speedup;
  if (id == baseline) return {1, 1, 1};
  const double scale = candidates[static_cast<size_t>(baseline)].measured()->speedup.mid;
  return {measured->speedup.low / scale, measured->speedup.mid / scale,
          measured->speedup.high / scale};
}

Interval RunView::SpeedupOverSeed(CandidateId id) const {
  Interval speedup = SpeedupOf(id);
  if (baseline == kNoCandidate) return speedup;
  const Interval& base = candidates[static_cast<size_t>(baseline)].measured()->speedup;
  return {speedup.low * base.mid, speedup.mid * base.mid, speedup.high * base.mid};
}

std::vector<CandidateId> RunView::Lineage(CandidateId id) const {
  std::vector<CandidateId> path;
  while (id >= 0 && id < static_cast<CandidateId>(candidates.size()) &&
         path.size() <= candidates.size()) {
    path.push_back(id);
    id = candidates[static_cast<size_t>(id)].proposed.parent;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Result<RunView> FoldEvents(const std::vector<Event>& events) {
  RunView view;
  if (events.empty() || !std::holds_alternative<RunStarted>(events.front().body)) {
    return Error{ErrorCode::kDataLoss, "the record does not begin with the start of a run"};
  }
  Folder folder(view);
  for (const Event& event : events) KS_RETURN_IF_ERROR(folder.Apply(event));
  return view;
}

}  // namespace ks
