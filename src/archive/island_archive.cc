#include "archive/island_archive.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace ks {
namespace {

bool IsRepairable(const Outcome& outcome) {
  return std::holds_alternative<CompileFailed>(outcome) ||
         std::holds_alternative<WrongResult>(outcome) ||
         std::holds_alternative<OutOfBounds>(outcome) || std::holds_alternative<Crashed>(outcome);
}

// Members of an island that a break-up looks at for another lineage.
constexpr size_t kMostSearched = 4096;

double LowOf(const MemberPtr& member) { return member->measured()->speedup.low; }

}  // namespace

IslandArchive::IslandArchive(const SearchConfig& config, DescriptorSpace space, CellMap cells,
                             IslandRule rule)
    : config_(config),
      space_(std::move(space)),
      cells_(std::make_shared<const CellMap>(std::move(cells))),
      policy_(config),
      islands_(static_cast<size_t>(std::max(1, config.islands)), Island(cells_, rule)),
      progress_(islands_.size()) {}

bool IslandArchive::Add(MemberPtr member) {
  KS_CHECK(member != nullptr && member->island >= 0);
  const size_t home = static_cast<size_t>(member->island) % islands_.size();
  const bool measured = member->measured() != nullptr;
  const Lineage::Record* parent = lineage_.Find(member->parent);
  if (parent != nullptr && parent->measured) islands_[home].NoteVisit(parent->cell);
  lineage_.Add(*member, measured ? cells_->CellOf(member->evaluation) : 0);
  bool entered = false;
  if (measured) {
    entered = OfferToIslands(member, home);
    if (best_ == nullptr || LowOf(member) > LowOf(best_)) best_ = member;
  } else if (IsRepairable(member->evaluation.outcome)) {
    islands_[home].NoteFailure(member);
  }
  ++adds_;
  if (config_.migration_interval > 0 && adds_ % config_.migration_interval == 0) Migrate();
  const CandidateId holder = HoldingLineage();
  held_for_ = holder == kNoCandidate ? 0 : held_for_ + 1;
  if (config_.takeover_limit > 0 && held_for_ >= config_.takeover_limit) BreakUp(holder);
  NoteProgress(home);
  return entered;
}

bool IslandArchive::OfferToIslands(const MemberPtr& member, size_t home) {
  const size_t cell = CellOf(*member);
  if (!lineage_.At(member->id).stock) return islands_[home].Offer(member, cell);
  stock_.push_back(member);
  bool entered = false;
  for (Island& island : islands_) entered |= island.Offer(member, cell);
  return entered;
}

// Every island's best is offered to the next island on the ring, all at once.
void IslandArchive::Migrate() {
  std::vector<MemberPtr> migrants;
  for (const Island& island : islands_) migrants.push_back(island.best());
  for (size_t i = 0; i < islands_.size(); ++i) {
    if (migrants[i] == nullptr) continue;
    islands_[(i + 1) % islands_.size()].Offer(migrants[i], CellOf(*migrants[i]));
  }
}

CandidateId IslandArchive::HoldingLineage() const {
  if (islands_.size() < 2) return kNoCandidate;
  CandidateId holder = kNoCandidate;
  for (const Island& island : islands_) {
    const MemberPtr best = island.best();
    if (best == nullptr || lineage_.At(best->id).stock) return kNoCandidate;
    const CandidateId founder = FounderOf(*best);
    if (holder != kNoCandidate && founder != holder) return kNoCandidate;
    holder = founder;
  }
  return holder;
}

// The island with the weakest best starts again from the common stock and from the best member of
// another lineage.
void IslandArchive::BreakUp(CandidateId holder) {
  size_t weakest = 0;
  MemberPtr other;
  for (size_t i = 0; i < islands_.size(); ++i) {
    if (LowOf(islands_[i].best()) < LowOf(islands_[weakest].best())) weakest = i;
    const Elite* const found =
        islands_[i].ranked().FindFirst(kMostSearched, [&](const Elite& elite) {
          const Lineage::Record& record = lineage_.At(elite.id);
          return record.founder != holder && !record.stock;
        });
    if (found != nullptr && (other == nullptr || found->low > LowOf(other))) other = found->member;
  }
  Restart(weakest, other);
  held_for_ = 0;
  ++takeovers_;
}

void IslandArchive::Restart(size_t island, const MemberPtr& guest) {
  Island& restarted = islands_[island];
  if (islands_.size() > 1) {
    Island& neighbour = islands_[(island + 1) % islands_.size()];
    for (const uint32_t cell : restarted.occupied()) {
      neighbour.Offer(restarted.members(cell).front().member, cell);
    }
  }
  restarted.Clear();
  for (const MemberPtr& member : stock_) restarted.Offer(member, CellOf(*member));
  if (guest != nullptr) restarted.Offer(guest, CellOf(*guest));
}

void IslandArchive::NoteProgress(size_t island) {
  Progress& progress = progress_[island];
  const MemberPtr best = islands_[island].best();
  const CandidateId id = best == nullptr ? kNoCandidate : best->id;
  progress.idle = id == progress.best ? progress.idle + 1 : 0;
  progress.best = id;
  if (config_.restart_after > 0 && progress.idle >= config_.restart_after) RestartStagnant(island);
}

void IslandArchive::RestartStagnant(size_t island) {
  MemberPtr guest;
  if (config_.restart_from == "best") guest = best_;
  if (config_.restart_from == "island" && islands_.size() > 1) {
    guest = islands_[(island + islands_.size() - 1) % islands_.size()].best();
  }
  Restart(island, guest);
  const MemberPtr best = islands_[island].best();
  progress_[island] = {best == nullptr ? kNoCandidate : best->id, 0};
  ++restarts_;
}

std::vector<CellView> IslandArchive::Cells() const {
  std::vector<CellView> cells;
  for (size_t i = 0; i < islands_.size(); ++i) {
    const auto first = static_cast<std::ptrdiff_t>(cells.size());
    islands_[i].ranked().ForEach([&](const Elite& elite) {
      cells.push_back({static_cast<int>(i), space_.bins(elite.member->evaluation), elite.member});
    });
    std::stable_sort(cells.begin() + first, cells.end(),
                     [](const CellView& a, const CellView& b) { return a.bins < b.bins; });
  }
  return cells;
}

std::unique_ptr<IslandArchive> NewArchive(const SearchConfig& search, const ArchiveConfig& config,
                                          const DescriptorSpace& space) {
  IslandRule rule;
  if (config.kind == "cvt") {
    return std::make_unique<IslandArchive>(
        search, space, CvtCells(space, static_cast<size_t>(config.cvt_cells)), rule);
  }
  KS_CHECK(config.kind == "grid" || config.kind == "flat");
  if (config.kind == "flat") rule = {false, static_cast<size_t>(config.population)};
  return std::make_unique<IslandArchive>(search, space, GridCells(space), rule);
}

}  // namespace ks
