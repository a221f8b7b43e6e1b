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
  const Elite elite = MakeElite(member);
  if (cells_[cell].members.Contains(elite)) return false;
  if (const std::optional<size_t> rival = RivalCellOf(cell)) {
    if (!Beats(*member, *cells_[*rival].members.back().member)) return false;
    RemoveWeakest(*rival);
  }
  Insert(elite, cell);
  return true;
}

std::optional<size_t> Island::RivalCellOf(size_t cell) const {
  if (!rule_.one_a_cell && ranked_.size() < rule_.population) return std::nullopt;
  if (!cells_[cell].members.empty()) return cell;
  return rule_.one_a_cell ? std::nullopt : std::optional(NearestOccupied(cell));
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

void Island::Insert(const Elite& elite, size_t cell) {
  RankedList& members = cells_[cell].members;
  if (members.empty()) {
    const auto number = static_cast<uint32_t>(cell);
    occupied_.insert(std::lower_bound(occupied_.begin(), occupied_.end(), number), number);
  }
  members.Insert(elite);
  ranked_.Insert(elite);
}

void Island::RemoveWeakest(size_t cell) {
  RankedList& members = cells_[cell].members;
  const Elite weakest = members.back();  // a copy: it lies in what it is removed from
  members.Erase(weakest);
  ranked_.Erase(weakest);
  if (members.empty()) {
    occupied_.erase(std::lower_bound(occupied_.begin(), occupied_.end(), cell));
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
