#include "archive/ranked_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"

namespace ks {

Elite MakeElite(MemberPtr member) {
  const double low = member->measured()->speedup.low;
  const CandidateId id = member->id;
  return {low, id, std::move(member)};
}

bool RanksBefore(const Elite& a, const Elite& b) {
  return a.low != b.low ? a.low > b.low : a.id < b.id;
}

const Elite& RankedList::At(size_t rank) const {
  KS_CHECK(rank < size_);
  size_t block = 0;
  for (; rank >= blocks_[block].size(); ++block) rank -= blocks_[block].size();
  return blocks_[block][rank];
}

size_t RankedList::CountFrom(double low) const {
  size_t count = 0;
  for (const Block& block : blocks_) {
    if (block.back().low >= low) {
      count += block.size();
      continue;
    }
    const auto end = std::partition_point(block.begin(), block.end(),
                                          [low](const Elite& e) { return e.low >= low; });
    return count + static_cast<size_t>(end - block.begin());
  }
  return count;
}

size_t RankedList::BlockFor(const Elite& elite) const {
  const auto found = std::partition_point(
      blocks_.begin(), blocks_.end(),
      [&elite](const Block& block) { return RanksBefore(block.back(), elite); });
  return static_cast<size_t>(found - blocks_.begin());
}

bool RankedList::Contains(const Elite& elite) const {
  const size_t at = BlockFor(elite);
  if (at == blocks_.size()) return false;
  const auto found = std::lower_bound(blocks_[at].begin(), blocks_[at].end(), elite, RanksBefore);
  return found->id == elite.id;
}

void RankedList::Insert(Elite elite) {
  ++size_;
  if (blocks_.empty()) {
    blocks_.emplace_back().push_back(std::move(elite));
    return;
  }
  const size_t at = std::min(BlockFor(elite), blocks_.size() - 1);
  Block& block = blocks_[at];
  block.insert(std::lower_bound(block.begin(), block.end(), elite, RanksBefore), std::move(elite));
  if (block.size() < kBlock) return;
  const auto middle = block.begin() + static_cast<std::ptrdiff_t>(block.size() / 2);
  Block tail(std::make_move_iterator(middle), std::make_move_iterator(block.end()));
  block.erase(middle, block.end());
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(tail));
}

void RankedList::Erase(const Elite& elite) {
  const size_t at = BlockFor(elite);
  KS_CHECK(at < blocks_.size());
  Block& block = blocks_[at];
  const auto found = std::lower_bound(block.begin(), block.end(), elite, RanksBefore);
  KS_CHECK(found->id == elite.id);
  block.erase(found);
  --size_;
  if (block.empty()) blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at));
}

void RankedList::Clear() {
  blocks_.clear();
  size_ = 0;
}

}  // namespace ks
