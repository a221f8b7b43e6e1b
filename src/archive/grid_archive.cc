#include "archive/grid_archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace ks {
namespace {

bool IsStock(const Member& member) {
  return member.parent == kNoCandidate || member.skill == "seed" ||
         member.skill == "baseline_flags";
}

bool IsRepairable(const Outcome& outcome) {
  return std::holds_alternative<CompileFailed>(outcome) ||
         std::holds_alternative<WrongResult>(outcome) ||
         std::holds_alternative<OutOfBounds>(outcome) || std::holds_alternative<Crashed>(outcome);
}

size_t CellCount(const std::vector<DescriptorAxis>& axes) {
  size_t cells = 1;
  for (const DescriptorAxis& axis : axes) cells *= axis.bins.size();
  return cells;
}

}  // namespace

GridArchive::GridArchive(const SearchConfig& config, std::vector<DescriptorAxis> axes,
                         Describe describe)
    : config_(config),
      axes_(std::move(axes)),
      describe_(std::move(describe)),
      islands_(static_cast<size_t>(std::max(1, config.islands)), Island(CellCount(axes_))) {
  KS_CHECK(CellCount(axes_) > 0);
}

size_t GridArchive::CellOf(const Evaluation& evaluation) const {
  const std::vector<int> bins = describe_(evaluation);
  KS_CHECK(bins.size() == axes_.size());
  size_t cell = 0;
  for (size_t i = 0; i < bins.size(); ++i) {
    KS_CHECK(bins[i] >= 0 && static_cast<size_t>(bins[i]) < axes_[i].bins.size());
    cell = cell * axes_[i].bins.size() + static_cast<size_t>(bins[i]);
  }
  return cell;
}

std::vector<int> GridArchive::BinsOf(size_t cell) const {
  std::vector<int> bins(axes_.size());
  for (size_t i = axes_.size(); i-- > 0;) {
    bins[i] = static_cast<int>(cell % axes_[i].bins.size());
    cell /= axes_[i].bins.size();
  }
  return bins;
}

GridArchive::Record GridArchive::MakeRecord(const Member& member) const {
  Record record;
  record.stock = IsStock(member);
  record.measured = member.measured() != nullptr;
  record.founder = member.id;
  if (!record.stock) {
    const auto parent = records_.find(member.parent);
    if (parent != records_.end() && !parent->second.stock) record.founder = parent->second.founder;
  }
  if (record.measured) record.cell = CellOf(member.evaluation);
  return record;
}

void GridArchive::NoteChild(const Member& child, Island& island) {
  const auto parent = records_.find(child.parent);
  if (parent == records_.end()) return;
  ++parent->second.children;
  if (parent->second.measured) island.NoteVisit(parent->second.cell);
}

bool GridArchive::Add(MemberPtr member) {
  KS_CHECK(member != nullptr && member->island >= 0);
  KS_CHECK(!records_.contains(member->id));
  const size_t home = static_cast<size_t>(member->island) % islands_.size();
  NoteChild(*member, islands_[home]);
  const Record& record = records_.emplace(member->id, MakeRecord(*member)).first->second;
  bool entered = false;
  if (record.measured) {
    entered = OfferToIslands(member, record, home);
    if (best_ == nullptr || member->measured()->speedup.low > best_->measured()->speedup.low) {
      best_ = member;
    }
  } else if (IsRepairable(member->evaluation.outcome)) {
    islands_[home].NoteFailure(member);
  }
  ++adds_;
  if (config_.migration_interval > 0 && adds_ % config_.migration_interval == 0) Migrate();
  const CandidateId holder = HoldingLineage();
  held_for_ = holder == kNoCandidate ? 0 : held_for_ + 1;
  if (config_.takeover_limit > 0 && held_for_ >= config_.takeover_limit) BreakUp(holder);
  return entered;
}

bool GridArchive::OfferToIslands(const MemberPtr& member, const Record& record, size_t home) {
  if (!record.stock) return islands_[home].Offer(member, record.cell);
  stock_.push_back(member);
  bool entered = false;
  for (Island& island : islands_) entered |= island.Offer(member, record.cell);
  return entered;
}

CandidateId GridArchive::FounderOf(const Member& member) const {
  return records_.at(member.id).founder;
}

// Every island's best is offered to the next island on the ring, all at once.
void GridArchive::Migrate() {
  std::vector<MemberPtr> migrants;
  for (const Island& island : islands_) migrants.push_back(island.best());
  for (size_t i = 0; i < islands_.size(); ++i) {
    if (migrants[i] == nullptr) continue;
    islands_[(i + 1) % islands_.size()].Offer(migrants[i], records_.at(migrants[i]->id).cell);
  }
}

CandidateId GridArchive::HoldingLineage() const {
  if (islands_.size() < 2) return kNoCandidate;
  CandidateId holder = kNoCandidate;
  for (const Island& island : islands_) {
    const MemberPtr best = island.best();
    if (best == nullptr || records_.at(best->id).stock) return kNoCandidate;
    const CandidateId founder = FounderOf(*best);
    if (holder != kNoCandidate && founder != holder) return kNoCandidate;
    holder = founder;
  }
  return holder;
}

// The island with the weakest best starts again from the common stock and from the best elite of
// another lineage. What it held is offered to the next island first, so that nothing good is lost.
void GridArchive::BreakUp(CandidateId holder) {
  size_t weakest = 0;
  Elite other;
  for (size_t i = 0; i < islands_.size(); ++i) {
    if (islands_[i].best()->measured()->speedup.low <
        islands_[weakest].best()->measured()->speedup.low) {
      weakest = i;
    }
    for (const Elite& elite : islands_[i].ranked()) {
      if (FounderOf(*elite.member) == holder || records_.at(elite.member->id).stock) continue;
      if (other.member == nullptr ||
          elite.member->measured()->speedup.low > other.member->measured()->speedup.low) {
        other = elite;
      }
    }
  }
  Island& restarted = islands_[weakest];
  Island& neighbour = islands_[(weakest + 1) % islands_.size()];
  for (const Elite& elite : restarted.ranked()) neighbour.Offer(elite.member, elite.cell);
  restarted.Clear();
  for (const MemberPtr& member : stock_) restarted.Offer(member, records_.at(member->id).cell);
  if (other.member != nullptr) restarted.Offer(other.member, other.cell);
  held_for_ = 0;
  ++takeovers_;
}

std::vector<CellView> GridArchive::Cells() const {
  std::vector<CellView> cells;
  for (size_t i = 0; i < islands_.size(); ++i) {
    const size_t first = cells.size();
    for (const Elite& elite : islands_[i].ranked()) {
      cells.push_back({static_cast<int>(i), BinsOf(elite.cell), elite.member});
    }
    std::sort(cells.begin() + static_cast<std::ptrdiff_t>(first), cells.end(),
              [](const CellView& a, const CellView& b) { return a.bins < b.bins; });
  }
  return cells;
}

std::string GridArchive::CanonicalState() const {
  std::string state = fmt::format("grid 1\nadds {} held {} takeovers {} best {}\n", adds_,
                                  held_for_, takeovers_, best_ ? best_->id : kNoCandidate);
  for (const CellView& cell : Cells()) {
    const Interval& speedup = cell.elite->measured()->speedup;
    state += fmt::format("cell {}", cell.island);
    for (int bin : cell.bins) state += fmt::format(" {}", bin);
    state += fmt::format(" c{} {:a} {:a} {:a} {}\n", cell.elite->id, speedup.low, speedup.mid,
                         speedup.high, Sha256Hex(cell.elite->source));
  }
  for (size_t i = 0; i < islands_.size(); ++i) {
    for (const Elite& elite : islands_[i].ranked()) {
      state += fmt::format("visits {} {} {}\n", i, elite.cell, islands_[i].visits(elite.cell));
    }
    for (const MemberPtr& failure : islands_[i].failures()) {
      state += fmt::format("failure {} c{} {}\n", i, failure->id, Sha256Hex(failure->source));
    }
  }
  std::vector<CandidateId> ids;
  for (const auto& [id, record] : records_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (CandidateId id : ids) {
    const Record& record = records_.at(id);
    state += fmt::format("c{} founder {} children {}\n", id, record.founder, record.children);
  }
  return state;
}

std::string GridArchive::Hash() const { return Sha256Hex(CanonicalState()); }

}  // namespace ks
