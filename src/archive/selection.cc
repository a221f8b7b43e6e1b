// Parent and inspirations of the next step (archive/grid_archive.h).
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "archive/grid_archive.h"
#include "base/check.h"
#include "base/rng.h"

namespace ks {
namespace {

constexpr double kPromising = 3.0;
constexpr double kAnyElite = 0.1;  // share of draws among all elites all the same

}  // namespace

Selection GridArchive::Select(uint64_t seed) const {
  Rng rng(DeriveSeed(seed, "select", 0));
  std::vector<size_t> populated;
  for (size_t i = 0; i < islands_.size(); ++i) {
    if (!islands_[i].ranked().empty()) populated.push_back(i);
  }
  KS_CHECK(!populated.empty());
  const size_t island = populated[rng.Below(populated.size())];
  Selection selection;
  selection.island = static_cast<int>(island);
  if (rng.Chance(config_.repair_probability)) selection.parent = PickRepair(island, rng);
  selection.repair = selection.parent != nullptr;
  if (!selection.repair) selection.parent = PickParent(island, rng);
  selection.inspirations = Inspire(*selection.parent, island);
  return selection;
}

// An edit seldom makes good what an elite lacks by more than kPromising: such elites (flags that do
// not suit, failed strategies) get few children.
std::vector<Elite> GridArchive::Promising(size_t island, Rng& rng) const {
  const std::vector<Elite>& ranked = islands_[island].ranked();
  if (rng.Chance(kAnyElite)) return ranked;
  const double least = ranked.front().member->measured()->speedup.mid / kPromising;
  std::vector<Elite> promising;
  for (const Elite& elite : ranked) {
    if (elite.member->measured()->speedup.mid >= least) promising.push_back(elite);
  }
  return promising;
}

MemberPtr GridArchive::PickParent(size_t island, Rng& rng) const {
  const std::vector<Elite> ranked = Promising(island, rng);
  const double draw = rng.Uniform();
  if (draw < config_.elite_probability) {
    size_t rank = 0;
    while (rank < ranked.size() && rng.Chance(0.5)) ++rank;
    return ranked[rank < ranked.size() ? rank : 0].member;
  }
  if (draw < config_.elite_probability + config_.uniform_probability) {
    return ranked[rng.Below(ranked.size())].member;
  }
  int64_t fewest = std::numeric_limits<int64_t>::max();
  std::vector<const Elite*> least;
  for (const Elite& elite : ranked) {
    const int64_t visits = islands_[island].visits(elite.cell);
    if (visits < fewest) least.clear();
    fewest = std::min(fewest, visits);
    if (visits == fewest) least.push_back(&elite);
  }
  return least[rng.Below(least.size())]->member;
}

// Null when no recent failure is worth another try.
MemberPtr GridArchive::PickRepair(size_t island, Rng& rng) const {
  std::vector<MemberPtr> eligible;
  for (const MemberPtr& failure : islands_[island].failures()) {
    if (records_.at(failure->id).children >= kMostRepairs) continue;
    const auto parent = records_.find(failure->parent);
    if (parent == records_.end() || !parent->second.measured) continue;
    const Member* elite = islands_[island].At(parent->second.cell);
    if (elite != nullptr && elite->id == failure->parent) eligible.push_back(failure);
  }
  return eligible.empty() ? nullptr : eligible[rng.Below(eligible.size())];
}

double GridArchive::Distance(size_t a, size_t b) const {
  const std::vector<int> from = BinsOf(a), to = BinsOf(b);
  double distance = 0;
  for (size_t i = 0; i < axes_.size(); ++i) {
    const auto range = static_cast<double>(std::max<size_t>(2, axes_[i].bins.size()) - 1);
    distance += std::abs(from[i] - to[i]) / range;
  }
  return distance;
}

std::vector<MemberPtr> GridArchive::Inspire(const Member& parent, size_t island) const {
  const auto wanted = static_cast<size_t>(std::max(0, config_.inspirations));
  const std::vector<Elite>& ranked = islands_[island].ranked();
  std::vector<MemberPtr> named;
  std::vector<double> nearest(ranked.size(), std::numeric_limits<double>::max());
  const auto mark = [&](const Member& member) {
    const size_t cell = records_.at(member.id).cell;
    for (size_t i = 0; i < ranked.size(); ++i) {
      const bool same = ranked[i].member->id == member.id;
      nearest[i] = same ? -1 : std::min(nearest[i], Distance(ranked[i].cell, cell));
    }
  };
  const auto name = [&](const MemberPtr& member) {
    if (named.size() < wanted) named.push_back(member);
    mark(*member);
  };
  if (parent.measured() != nullptr) mark(parent);
  for (const Elite& elite : ranked) {
    if (parent.measured() == nullptr && elite.member->id == parent.parent) name(elite.member);
  }
  const bool best_is_new = best_->id != parent.id && (named.empty() || named[0]->id != best_->id);
  if (best_is_new) name(best_);
  while (named.size() < wanted) {
    // Equal distances: the better rank.
    const auto farthest = std::max_element(nearest.begin(), nearest.end());
    if (farthest == nearest.end() || *farthest < 0) break;
    name(ranked[static_cast<size_t>(farthest - nearest.begin())].member);
  }
  return named;
}

}  // namespace ks
