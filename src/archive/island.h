// One island: its members in order of rank and by cell, and its recent failures.
#ifndef KS_ARCHIVE_ISLAND_H_
#define KS_ARCHIVE_ISLAND_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "archive/cell_map.h"
#include "archive/ranked_list.h"

namespace ks {

// Who stays on an island.
struct IslandRule {
  bool one_a_cell = true;  // each cell keeps its elite (MAP-Elites); else all stay until it is full
  size_t population = 0;   // most members when not one a cell
};

// Whether `challenger` may take the place of `elite`: by its interval (low above the elite's mid),
// or by a significant paired gain when the elite is its own parent.
bool Beats(const Member& challenger, const Member& elite);

// Thread-compatible. Inserts are O(log members); a full population adds O(cells) when the
// challenger's own cell is empty.
class Island {
 public:
  Island(std::shared_ptr<const CellMap> cells, IslandRule rule);

  // Puts a measured member into `cell`. One a cell: when the cell is empty or its elite is beaten.
  // A population: while there is room, else in place of the most similar member (the weakest one of
  // its cell, or of the nearest occupied cell) when that is beaten. False when it is here already.
  bool Offer(const MemberPtr& member, size_t cell);
  void NoteFailure(MemberPtr member);
  // A child of a member of this cell was judged.
  void NoteVisit(size_t cell) { ++cells_[cell].visits; }
  void Clear();

  const RankedList& ranked() const { return ranked_; }
  MemberPtr best() const { return ranked_.empty() ? nullptr : ranked_.front().member; }
  // Cells with a member, in rising order.
  const std::vector<uint32_t>& occupied() const { return occupied_; }
  const RankedList& members(size_t cell) const { return cells_[cell].members; }
  int64_t visits(size_t cell) const { return cells_[cell].visits; }
  // Oldest first, at most kRecentFailures.
  const std::deque<MemberPtr>& failures() const { return failures_; }

  static constexpr size_t kRecentFailures = 16;

 private:
  struct Cell {
    RankedList members;
    int64_t visits = 0;
  };
  // Whose weakest member one of `cell` must beat; empty: there is room for it.
  std::optional<size_t> RivalCellOf(size_t cell) const;
  size_t NearestOccupied(size_t cell) const;
  void Insert(const Elite& elite, size_t cell);
  void RemoveWeakest(size_t cell);

  std::shared_ptr<const CellMap> map_;
  IslandRule rule_;
  RankedList ranked_;
  std::vector<Cell> cells_;
  std::vector<uint32_t> occupied_;
  std::deque<MemberPtr> failures_;
};

}  // namespace ks

#endif  // KS_ARCHIVE_ISLAND_H_
