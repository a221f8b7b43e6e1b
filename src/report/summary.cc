#include "report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/text.h"
#include "report/numbers.h"

namespace ks {

bool IsProbe(const CandidateView& candidate) {
  const std::string& skill = candidate.proposed.skill;
  return skill == "seed" || skill == "baseline_flags";
}

std::vector<SkillSummary> SummarizeSkills(const RunView& view) {
  std::map<std::string, SkillSummary> by_name;
  for (const CandidateView& candidate : view.candidates) {
    const std::string& skill = candidate.proposed.skill;
    if (!candidate.evaluation || IsProbe(candidate)) continue;
    SkillSummary& summary = by_name[skill];
    summary.skill = skill;
    ++summary.tried;
    const Measured* measured = candidate.measured();
    if (measured == nullptr) continue;
    ++summary.measured;
    if (!measured->gain_significant || !(measured->gain.mid > 0)) continue;
    ++summary.held;
    summary.mean_gain += std::log(measured->gain.mid);
    summary.best_gain = std::max(summary.best_gain, measured->gain.mid);
  }
  std::vector<SkillSummary> out;
  for (auto& [name, summary] : by_name) {
    if (summary.held > 0) summary.mean_gain = std::exp(summary.mean_gain / summary.held);
    out.push_back(std::move(summary));
  }
  std::sort(out.begin(), out.end(), [](const SkillSummary& a, const SkillSummary& b) {
    return std::make_tuple(-a.held, -a.mean_gain, std::string_view(a.skill)) <
           std::make_tuple(-b.held, -b.mean_gain, std::string_view(b.skill));
  });
  return out;
}

std::vector<CandidateId> TopCandidates(const RunView& view, size_t count) {
  std::vector<std::pair<double, CandidateId>> ranked;
  for (const CandidateView& candidate : view.candidates) {
    if (candidate.measured() == nullptr) continue;
    ranked.emplace_back(-view.SpeedupOf(candidate.proposed.id).low, candidate.proposed.id);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<CandidateId> ids;
  for (const auto& [low, id] : ranked) {
    if (ids.size() == count) break;
    ids.push_back(id);
  }
  return ids;
}

std::vector<CandidateId> EvaluationOrder(const RunView& view) {
  std::vector<CandidateId> ids;
  for (const CandidateView& candidate : view.candidates) {
    if (candidate.evaluation) ids.push_back(candidate.proposed.id);
  }
  std::stable_sort(ids.begin(), ids.end(), [&](CandidateId a, CandidateId b) {
    return view.candidates[static_cast<size_t>(a)].elapsed_s <
           view.candidates[static_cast<size_t>(b)].elapsed_s;
  });
  return ids;
}

std::vector<BestPoint> BestSoFar(const RunView& view) {
  std::vector<BestPoint> points;
  int evaluation = 0;
  for (CandidateId id : EvaluationOrder(view)) {
    ++evaluation;
    const CandidateView& candidate = view.candidates[static_cast<size_t>(id)];
    if (candidate.measured() == nullptr) continue;
    const Interval speedup = view.SpeedupOf(id);
    if (!points.empty() && speedup.low <= points.back().speedup.low) continue;
    points.push_back({evaluation, candidate.elapsed_s, id, speedup});
  }
  return points;
}

SearchProgress ProgressOf(const RunView& view) {
  SearchProgress progress;
  if (view.best == kNoCandidate || view.baseline == kNoCandidate) return progress;
  const auto probes = static_cast<int64_t>(view.baseline_chosen_after) + 1;
  progress.evaluations = std::max<int64_t>(0, view.evaluations - probes);
  for (const BestPoint& point : BestSoFar(view)) {
    if (point.evaluation <= probes) continue;
    progress.points.push_back({point.evaluation - probes, point.elapsed_s, point.speedup.mid});
  }
  return progress;
}

ModelSpending SpendingOf(const RunView& view) {
  ModelSpending spending;
  for (const CandidateView& candidate : view.candidates) {
    const std::optional<ModelUse>& use = candidate.proposed.use;
    if (!use) continue;
    spending.cost_usd += use->cost_usd;
    spending.tokens += use->prompt_tokens + use->answer_tokens;
  }
  return spending;
}

int StepsFromSeed(const RunView& view, CandidateId id) {
  return static_cast<int>(view.Lineage(id).size()) - 1;
}

std::string CellLabel(const std::vector<CellView>& cells, const std::vector<DescriptorAxis>& axes,
                      CandidateId id) {
  for (const CellView& cell : cells) {
    if (!cell.elite || cell.elite->id != id) continue;
    std::vector<std::string> names;
    for (size_t a = 0; a < axes.size() && a < cell.bins.size(); ++a) {
      const auto bin = static_cast<size_t>(cell.bins[a]);
      names.push_back(bin < axes[a].bins.size() ? axes[a].bins[bin] : "?");
    }
    return Join(names, ", ");
  }
  return "";
}

std::string StopText(const RunView& view) {
  if (view.stop_reason.empty()) return "not finished (running, or killed)";
  if (view.stop_reason == "steps") return "finished: the number of steps was reached";
  if (view.stop_reason == "minutes") return "finished: the time was used up";
  if (view.stop_reason == "until") return "finished: the speed-up asked for was reached";
  if (view.stop_reason == "exhausted") return "finished: nothing new left to propose";
  if (view.stop_reason == "interrupted") return "interrupted; it can be resumed";
  return "stopped: " + view.stop_reason;
}

namespace {

// The seed or one of its flag variants.
bool IsStockOf(const RunView& view, CandidateId id) {
  return id != kNoCandidate && IsProbe(view.candidates[static_cast<size_t>(id)]);
}

// Takes `id` for `best` when it is faster.
void TakeFaster(const RunView& view, CandidateId id, CandidateId& best, Interval& speedup) {
  if (view.candidates[static_cast<size_t>(id)].measured() == nullptr) return;
  const Interval own = view.SpeedupOf(id);
  if (own.low <= speedup.low) return;
  best = id;
  speedup = own;
}

}  // namespace

OneShot OneShotOf(const RunView& view) {
  OneShot one;
  one.speedup = one.search_speedup = {1, 1, 1};
  std::vector<CandidateId> order;
  for (const CandidateId id : EvaluationOrder(view)) {
    const CandidateView& candidate = view.candidates[static_cast<size_t>(id)];
    if (IsProbe(candidate)) continue;
    order.push_back(id);
    if (!IsStockOf(view, candidate.proposed.parent)) continue;
    ++one.samples;
    TakeFaster(view, id, one.best, one.speedup);
  }
  one.evaluations = static_cast<int>(order.size());
  for (int i = 0; i < one.samples; ++i) {
    TakeFaster(view, order[static_cast<size_t>(i)], one.search_best, one.search_speedup);
  }
  return one;
}

std::string OneShotText(const RunView& view) {
  const OneShot one = OneShotOf(view);
  if (one.samples == 0 || view.best == kNoCandidate) return "";
  return fmt::format(
      "the best of {} direct children of the seed: {}; the search after as many evaluations: {}, "
      "after all {}: {}",
      one.samples, FormatSpeedup(one.speedup), FormatSpeedup(one.search_speedup), one.evaluations,
      FormatSpeedup(view.SpeedupOf(view.best)));
}

}  // namespace ks
