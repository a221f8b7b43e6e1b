#include "core/run_view.h"

#include <algorithm>
#include <cmath>

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
    if (has_started_) return Broken(event, "a second start");
    has_started_ = true;
    view_.started = started;
    view_.started_unix_ms = event.unix_ms;
    return {};
  }
  Status On(const Event& event, const CandidateProposed& proposed) {
    if (proposed.id != Count()) {
      return Broken(event, "candidate " + std::to_string(proposed.id) + " out of order");
    }
    // Relatives are older: a lineage has no cycle.
    if (proposed.parent != kNoCandidate && !Known(proposed.parent)) {
      return Broken(event, "unknown parent " + std::to_string(proposed.parent));
    }
    for (const CandidateId inspiration : proposed.inspirations) {
      if (!Known(inspiration)) {
        return Broken(event, "unknown inspiration " + std::to_string(inspiration));
      }
    }
    view_.candidates.push_back({proposed, std::nullopt, event.elapsed_s});
    return {};
  }
  Status On(const Event& event, const CandidateEvaluated& evaluated) {
    if (!Known(evaluated.id)) {
      return Broken(event, "result of an unknown candidate " + std::to_string(evaluated.id));
    }
    CandidateView& candidate = view_.candidates[static_cast<size_t>(evaluated.id)];
    if (candidate.evaluation) return Broken(event, "candidate was judged twice");
    const auto* duplicate = std::get_if<DuplicateOf>(&evaluated.evaluation.outcome);
    if (duplicate != nullptr && !Known(duplicate->id)) {
      return Broken(event, "duplicate of an unknown candidate " + std::to_string(duplicate->id));
    }
    candidate.evaluation = evaluated.evaluation;
    candidate.elapsed_s = event.elapsed_s;
    ++view_.evaluations;
    ++view_.outcomes[OutcomeName(evaluated.evaluation.outcome)];
    ConsiderAsBest(evaluated.id);
    return {};
  }
  Status On(const Event& event, const BaselineChosen& chosen) {
    if (view_.baseline != kNoCandidate) return Broken(event, "a second baseline");
    const Measured* measured =
        Known(chosen.id) ? view_.candidates[static_cast<size_t>(chosen.id)].measured() : nullptr;
    // All other speed-ups are divided by this one.
    if (measured == nullptr || !std::isfinite(measured->speedup.mid) ||
        measured->speedup.mid <= 0) {
      return Broken(event, "the baseline was not measured");
    }
    view_.baseline = chosen.id;
    view_.baseline_chosen_after = Count() - 1;
    view_.best = chosen.id;
    for (CandidateId id = 0; id < Count(); ++id) ConsiderAsBest(id);
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

  CandidateId Count() const { return static_cast<CandidateId>(view_.candidates.size()); }
  bool Known(CandidateId id) const { return id >= 0 && id < Count(); }

  void ConsiderAsBest(CandidateId id) {
    if (view_.candidates[static_cast<size_t>(id)].measured() == nullptr) return;
    const double low = view_.SpeedupOf(id).low;
    if (std::isnan(low)) return;
    if (view_.best == kNoCandidate || low > view_.SpeedupOf(view_.best).low) view_.best = id;
  }

  RunView& view_;
  bool has_started_ = false;
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
  if (id < 0 || id >= static_cast<CandidateId>(candidates.size())) return {};
  const Measured* measured = candidates[static_cast<size_t>(id)].measured();
  if (measured == nullptr) return {};
  if (baseline == kNoCandidate || id <= baseline_chosen_after) return measured->speedup;
  const Interval& speedup = measured->speedup;
  const Interval& base = candidates[static_cast<size_t>(baseline)].measured()->speedup;
  return {speedup.low * base.low, speedup.mid * base.mid, speedup.high * base.high};
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
