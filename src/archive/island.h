// One island: at most one elite a cell, kept in order of rank, and its recent failures.
#ifndef KS_ARCHIVE_ISLAND_H_
#define KS_ARCHIVE_ISLAND_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "core/archive.h"

namespace ks {

struct Elite {
  MemberPtr member;
  size_t cell = 0;
};

// Whether `challenger` may take the cell of `elite`: by its interval (low above the elite's mid),
// or by a significant paired gain when the elite is its own parent.
bool Beats(const Member& challenger, const Member& elite);

// Thread-compatible. Cost of every method is bounded by the number of cells, not of members.
class Island {
 public:
  explicit Island(size_t cells) : elite_of_cell_(cells), visits_(cells, 0) {}

  // Puts a measured member into `cell` when the cell is empty or its elite is beaten. False when it
  // is the elite already.
  bool Offer(MemberPtr member, size_t cell);
  void NoteFailure(MemberPtr member);
  // A child of this cell's elite was judged.
  void NoteVisit(size_t cell) { ++visits_[cell]; }
  void Clear();

  // Highest speedup.low first; equal ones in order of id.
  const std::vector<Elite>& ranked() const { return ranked_; }
  MemberPtr best() const { return ranked_.empty() ? nullptr : ranked_.front().member; }
  // Null when the cell is empty.
  const Member* At(size_t cell) const { return elite_of_cell_[cell].get(); }
  int64_t visits(size_t cell) const { return visits_[cell]; }
  // Oldest first, at most kRecentFailures.
  const std::deque<MemberPtr>& failures() const { return failures_; }

  static constexpr size_t kRecentFailures = 16;

 private:
  void Rank(Elite elite);

  std::vector<Elite> ranked_;
  std::vector<MemberPtr> elite_of_cell_;  // null: empty
  std::vector<int64_t> visits_;
  std::deque<MemberPtr> failures_;
};

}  // namespace ks

#endif  // KS_ARCHIVE_ISLAND_H_
