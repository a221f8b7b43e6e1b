// Members in order of rank. Blocks of bounded size keep inserts cheap with a million of them.
#ifndef KS_ARCHIVE_RANKED_LIST_H_
#define KS_ARCHIVE_RANKED_LIST_H_

#include <cstdint>
#include <vector>

#include "core/archive.h"

namespace ks {

// A member with what ranking looks at, so that it need not look into the member.
struct Elite {
  double low = 0;  // of its speed-up
  CandidateId id = kNoCandidate;
  MemberPtr member;
};

// REQUIRES: `member` was measured.
Elite MakeElite(MemberPtr member);
// Highest low end first; equal ones in order of id.
bool RanksBefore(const Elite& a, const Elite& b);

// Thread-compatible. Copies share the members.
class RankedList {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // REQUIRES of these: not empty, rank < size().
  const Elite& front() const { return blocks_.front().front(); }
  const Elite& back() const { return blocks_.back().back(); }
  // O(size / kBlock).
  const Elite& At(size_t rank) const;
  // How many have a low end of at least `low`: they are the first ones. O(log size + size /
  // kBlock).
  size_t CountFrom(double low) const;
  bool Contains(const Elite& elite) const;
  // O(log size + kBlock). REQUIRES: Insert: not contained; Erase: contained.
  void Insert(Elite elite);
  void Erase(const Elite& elite);
  void Clear();

  // The best one that fits, among the first `most`; null: none.
  template <typename Fits>
  const Elite* FindFirst(size_t most, Fits fits) const {
    for (const Block& block : blocks_) {
      for (const Elite& elite : block) {
        if (most-- == 0) return nullptr;
        if (fits(elite)) return &elite;
      }
    }
    return nullptr;
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const Block& block : blocks_) {
      for (const Elite& elite : block) visit(elite);
    }
  }

  static constexpr size_t kBlock = 1024;

 private:
  using Block = std::vector<Elite>;
  // The first block whose last member does not rank before `elite`; blocks_.size(): none.
  size_t BlockFor(const Elite& elite) const;

  std::vector<Block> blocks_;  // none is empty
  size_t size_ = 0;
};

}  // namespace ks

#endif  // KS_ARCHIVE_RANKED_LIST_H_
