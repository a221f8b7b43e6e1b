#include "archive/island.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ks {
namespace {

bool RanksBefore(const Elite& a, const Elite& b) {
  const double a_low = a.member->measured()->speedup.low;
  const double b_low = b.member->measured()->speedup.low;
  return a_low != b_low ? a_low > b_low : a.member->id < b.member->id;
}

}  // namespace

bool Beats(const Member& challenger, const Member& elite) {
  const Measured* mine = challenger.measured();
  const Measured* theirs = elite.measured();
  KS_CHECK(mine != nullptr && theirs != nullptr);
  if (mine->speedup.low > theirs->speedup.mid) return true;
  return challenger.parent == elite.id && mine->gain_significant;
}

bool Island::Offer(MemberPtr member, size_t cell) {
  MemberPtr& elite = elite_of_cell_[cell];
  if (elite != nullptr && (elite->id == member->id || !Beats(*member, *elite))) return false;
  std::erase_if(ranked_, [cell](const Elite& e) { return e.cell == cell; });
  elite = member;
  Rank({std::move(member), cell});
  return true;
}

void Island::Rank(Elite elite) {
  const auto at = std::upper_bound(ranked_.begin(), ranked_.end(), elite, RanksBefore);
  ranked_.insert(at, std::move(elite));
}

void Island::NoteFailure(MemberPtr member) {
  failures_.push_back(std::move(member));
  if (failures_.size() > kRecentFailures) failures_.pop_front();
}

void Island::Clear() {
  ranked_.clear();
  failures_.clear();
  std::fill(elite_of_cell_.begin(), elite_of_cell_.end(), nullptr);
  std::fill(visits_.begin(), visits_.end(), 0);
}

}  // namespace ks
