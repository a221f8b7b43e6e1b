// Parent and inspirations of the next step (archive/island_archive.h).
#include <algorithm>
#include <limits>

#include "archive/island_archive.h"
#include "base/check.h"
#include "base/rng.h"

namespace ks {

Selection IslandArchive::Select(uint64_t seed) const {
  Rng rng(DeriveSeed(seed, "select", 0));
  const auto has_members = [](const Island& island) { return !island.ranked().empty(); };
  const auto populated = std::count_if(islands_.begin(), islands_.end(), has_members);
  KS_CHECK(populated > 0);
  uint64_t left = rng.Below(static_cast<uint64_t>(populated));
  size_t island = 0;
  while (!has_members(islands_[island]) || left-- > 0) ++island;
  Selection selection;
  selection.island = static_cast<int>(island);
  if (rng.Chance(config_.repair_probability)) selection.parent = PickRepair(island, rng);
  selection.repair = selection.parent != nullptr;
  if (!selection.repair) selection.parent = policy_.Pick(islands_[island], lineage_, rng);
  selection.inspirations = Inspire(*selection.parent, island);
  return selection;
}

// Null when no recent failure is worth another try.
MemberPtr IslandArchive::PickRepair(size_t island, Rng& rng) const {
  std::vector<MemberPtr> eligible;
  for (const MemberPtr& failure : islands_[island].failures()) {
    if (lineage_.At(failure->id).children >= kMostRepairs) continue;
    const Lineage::Record* parent = lineage_.Find(failure->parent);
    if (parent == nullptr || !parent->measured) continue;
    const RankedList& members = islands_[island].members(parent->cell);
    if (!members.empty() && members.front().member->id == failure->parent) {
      eligible.push_back(failure);
    }
  }
  return eligible.empty() ? nullptr : eligible[rng.Below(eligible.size())];
}

std::vector<MemberPtr> IslandArchive::Inspire(const Member& parent, size_t island) const {
  const auto wanted = static_cast<size_t>(std::max(0, config_.inspirations));
  const Island& home = islands_[island];
  const std::vector<uint32_t>& cells = home.occupied();
  constexpr int64_t kNamed = -1;
  std::vector<MemberPtr> named;
  std::vector<int64_t> nearest(cells.size(), std::numeric_limits<int64_t>::max());
  const auto mark = [&](const Member& member) {
    const size_t cell = CellOf(member);
    for (size_t i = 0; i < cells.size(); ++i) {
      const bool same = cells[i] == cell && home.members(cell).front().member->id == member.id;
      nearest[i] = same ? kNamed : std::min(nearest[i], cells_->Distance(cells[i], cell));
    }
  };
  const auto name = [&](const MemberPtr& member) {
    if (named.size() < wanted) named.push_back(member);
    if (named.size() < wanted) mark(*member);  // else nobody asks for distances any more
  };
  if (parent.measured() != nullptr) {
    mark(parent);
  } else if (const Lineage::Record* origin = lineage_.Find(parent.parent);
             origin != nullptr && origin->measured) {
    const RankedList& members = home.members(origin->cell);
    if (!members.empty() && members.front().member->id == parent.parent) {
      name(members.front().member);
    }
  }
  const bool best_is_new = best_->id != parent.id && (named.empty() || named[0]->id != best_->id);
  if (best_is_new) name(best_);
  while (named.size() < wanted) {
    // Equal distances: the better rank.
    size_t farthest = 0;
    const auto front = [&](size_t i) -> const Elite& { return home.members(cells[i]).front(); };
    for (size_t i = 1; i < cells.size(); ++i) {
      if (nearest[i] > nearest[farthest] ||
          (nearest[i] == nearest[farthest] && RanksBefore(front(i), front(farthest)))) {
        farthest = i;
      }
    }
    if (cells.empty() || nearest[farthest] == kNamed) break;
    name(front(farthest).member);
  }
  return named;
}

}  // namespace ks
