#include "report/progress.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/numbers.h"

namespace ks {
namespace {

// "[ 12/200]"; probes of the baseline are no steps.
std::string StepText(const ProgressState& state, bool is_step) {
  const std::string step = is_step ? std::to_string(state.steps_done) : "-";
  if (state.goal.steps <= 0) return fmt::format("[{:>4}]", step);
  const std::string total = std::to_string(state.goal.steps);
  return fmt::format("[{:>{}}/{}]", step, total.size(), total);
}

}  // namespace

void ProgressTracker::Apply(const Event& event) {
  state_.elapsed_s = std::max(state_.elapsed_s, event.elapsed_s);
  if (const auto* started = std::get_if<RunStarted>(&event.body)) {
    state_.task = started->task;
    state_.backend = started->backend;
  } else if (const auto* proposed = std::get_if<CandidateProposed>(&event.body)) {
    state_.in_flight[proposed->id] = {proposed->skill, proposed->parent};
    last_proposed_ = proposed->id;
  } else if (const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body)) {
    Judged(*evaluated);
  } else if (const auto* chosen = std::get_if<BaselineChosen>(&event.body)) {
    Rebase(*chosen);
  } else if (const auto* stopped = std::get_if<RunStopped>(&event.body)) {
    state_.stop_reason = stopped->reason;
  } else if (std::holds_alternative<RunResumed>(event.body)) {
    state_.stop_reason.clear();
  }
}

void ProgressTracker::Tick(double elapsed_s) {
  state_.elapsed_s = std::max(state_.elapsed_s, elapsed_s);
}

void ProgressTracker::Judged(const CandidateEvaluated& evaluated) {
  state_.in_flight.erase(evaluated.id);
  if (last_probe_ != kNoCandidate && evaluated.id > last_probe_) ++state_.steps_done;
  ++state_.evaluations;
  ++state_.outcomes[OutcomeName(evaluated.evaluation.outcome)];
  const Measured* measured = AsMeasured(evaluated.evaluation.outcome);
  if (measured == nullptr) return;
  if (state_.baseline_over_seed <= 0) early_[evaluated.id] = measured->speedup;
  if (measured->speedup.low <= state_.best_speedup.low) return;
  state_.best = evaluated.id;
  state_.best_speedup = measured->speedup;
  state_.history.push_back({state_.elapsed_s, measured->speedup.mid});
}

void ProgressTracker::Rebase(const BaselineChosen& chosen) {
  last_probe_ = last_proposed_;
  const auto early = early_.find(chosen.id);
  if (early == early_.end() || !(early->second.mid > 0)) return;
  state_.baseline_over_seed = early->second.mid;
  for (ProgressState::Point& point : state_.history) point.speedup /= state_.baseline_over_seed;
  state_.best = chosen.id;
  state_.best_speedup = {1, 1, 1};
  state_.history.push_back({state_.elapsed_s, 1});
  early_.clear();
}

void LineProgress::OnEvent(const Event& event) {
  const auto* evaluated = std::get_if<CandidateEvaluated>(&event.body);
  ProgressState::InFlight origin;
  if (evaluated != nullptr) {
    const auto& in_flight = tracker_.state().in_flight;
    if (const auto it = in_flight.find(evaluated->id); it != in_flight.end()) origin = it->second;
  }
  const CandidateId best_before = tracker_.state().best;
  tracker_.Apply(event);
  if (event.sequence > 0 && event.sequence <= recorded_) return;
  const ProgressState& state = tracker_.state();
  if (evaluated != nullptr) {
    PrintJudged(*evaluated, origin, state.best == evaluated->id && best_before != evaluated->id);
  } else if (const auto* chosen = std::get_if<BaselineChosen>(&event.body)) {
    sink_(
        fmt::format("baseline: {}, the seed with the best flags found, {} over the seed as "
                    "written; speed-ups are relative to it from here on\n",
                    CandidateName(chosen->id), FormatSpeedup(state.baseline_over_seed)));
  } else if (const auto* stopped = std::get_if<RunStopped>(&event.body)) {
    sink_(fmt::format("stopped ({}): {} evaluations in {}, best {} {}\n",
                      PrintableLine(stopped->reason), state.evaluations,
                      FormatSeconds(state.elapsed_s), CandidateName(state.best),
                      FormatSpeedup(state.best_speedup)));
  }
}

void LineProgress::PrintJudged(const CandidateEvaluated& evaluated,
                               const ProgressState::InFlight& origin, bool improved) {
  const ProgressState& state = tracker_.state();
  const Outcome& outcome = evaluated.evaluation.outcome;
  const Measured* measured = AsMeasured(outcome);
  const Ink ink = improved ? Ink::kGreen : measured != nullptr ? Ink::kPlain : Ink::kYellow;
  const bool has_gain = measured != nullptr && origin.parent != kNoCandidate;
  const std::string gain = has_gain ? "gain " + FormatGain(measured->gain.mid) + "x" : "";
  const std::string skill = FitWidth(PrintableLine(origin.skill), 24, style_);
  const bool is_step = state.baseline_over_seed > 0;
  sink_(fmt::format("{} {:<5} {} {} {}  best {}\n", StepText(state, is_step),
                    CandidateName(evaluated.id), PadRight(skill, 24),
                    Paint(style_, ink, PadRight(ReplaceAll(OutcomeName(outcome), "_", " "), 14)),
                    PadRight(gain, 11), FormatSpeedup(state.best_speedup)));
}

}  // namespace ks
