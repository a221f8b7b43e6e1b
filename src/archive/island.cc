#include "archive/island.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"

namespace ks {

bool Beats(const Member& challenger, const Member& elite) {
  const Measured* mine = challenger.measured();
  const Measured* theirs = elite.measured();
  KS_CHECK(mine != nullptr && theirs != nullptr);
  if (mine->speedup.low > theirs->speedup.mid) return true;
  return challenger.parent == elite.id && mine->gain_significant;
}

Island::Island(std::shared_ptr<const CellMap> cells, IslandRule rule)
    : map_(std::move(cells)), rule_(rule), cells_(map_->size()) {
  KS_CHECK(rule.one_a_cell || rule.population >= 1);
}

bool Island::Offer(const MemberPtr& member, size_t cell) {
  const Elite elite = MakeElite(member, cell);
  if (cells_[cell].members.Contains(elite)) return false;
  if (const Elite* const rival = RivalOf(elite)) {
    if (!Beats(*member, *rival->member)) return false;
    Remove(Elite(*rival));  // a copy: the rival lies in what it is removed from
  }
  Insert(elite);
  return true;
}

const Elite* Island::RivalOf(const Elite& elite) const {
  if (!rule_.one_a_cell && ranked_.size() < rule_.population) return nullptr;
  const RankedList* members = &cells_[elite.cell].members;
  if (members->empty()) {
    if (rule_.one_a_cell) return nullptr;
    members = &cells_[NearestOccupied(elite.cell)].members;
  }
  return &members->back();
}

// Equal distances: the lower cell. REQUIRES: one is occupied.
size_t Island::NearestOccupied(size_t cell) const {
  size_t nearest = 0;
  int64_t least = std::numeric_limits<int64_t>::max();
  for (const uint32_t other : occupied_) {
    const int64_t distance = map_->Distance(cell, other);
    if (distance < least) {
      least = distance;
      nearest = other;
    }
  }
  return nearest;
}

void Island::Insert(const Elite& elite) {
  RankedList& members = cells_[elite.cell].members;
  if (members.empty()) {
    occupied_.insert(std::lower_bound(occupied_.begin(), occupied_.end(), elite.cell), elite.cell);
  }
  members.Insert(elite);
  ranked_.Insert(elite);
}

void Island::Remove(const Elite& elite) {
  RankedList& members = cells_[elite.cell].members;
  members.Erase(elite);
  ranked_.Erase(elite);
  if (members.empty()) {
    occupied_.erase(std::lower_bound(occupied_.begin(), occupied_.end(), elite.cell));
  }
}

void Island::NoteFailure(MemberPtr member) {
  failures_.push_back(std::move(member));
  if (failures_.size() > kRecentFailures) failures_.pop_front();
}

void Island::Clear() {
  ranked_.Clear();
  failures_.clear();
  occupied_.clear();
  std::fill(cells_.begin(), cells_.end(), Cell{});
}

}  // namespace ks
