// The population: islands of cells, with migration on a ring, restarts, and a break-up of lineages
// that take every island over. Which cells there are and who stays in them makes it a grid
// (MAP-Elites, Mouret and Clune 2015), a CVT (Vassiliades et al. 2018) or a flat population with
// crowding; how a parent is drawn is a policy (archive/parent_policy.h). docs/search.md tells all.
//
// Common stock (the seed and the baseline probes of skill "baseline_flags") enters every island;
// any other member only its own. All speed-ups given to one archive must be relative to the same
// baseline.
#ifndef KS_ARCHIVE_ISLAND_ARCHIVE_H_
#define KS_ARCHIVE_ISLAND_ARCHIVE_H_

#include <memory>
#include <string>
#include <vector>

#include "archive/cell_map.h"
#include "archive/descriptor.h"
#include "archive/island.h"
#include "archive/lineage.h"
#include "archive/parent_policy.h"
#include "core/archive.h"
#include "core/config.h"

namespace ks {

// Single thread. Deterministic in the sequence of Add calls; Select does not change the state.
class IslandArchive : public Archive {
 public:
  IslandArchive(const SearchConfig& config, DescriptorSpace space, CellMap cells, IslandRule rule);

  // Measured members are offered to their cell; compile_failed, wrong_result, out_of_bounds and
  // crashed ones are kept for repair; others only count. Islands beyond the last wrap around.
  // O(log members + islands), but for migrations, restarts and break-ups.
  bool Add(MemberPtr member) override;
  // Parent: with repair_probability a recent failure whose parent leads its cell (at most
  // kMostRepairs children each), else by the policy. Inspirations: the parent of a failure, the
  // best, then the best members of the cells of the island that lie farthest from those already
  // named. The island is drawn uniformly. O(cells), whatever the number of members.
  Selection Select(uint64_t seed) const override;
  // Over all measured members, also those that won no cell.
  MemberPtr best() const override { return best_; }
  // Bins are those of the named axes, whatever the cells are.
  std::vector<CellView> Cells() const override;
  const std::vector<DescriptorAxis>& axes() const override { return space_.axes; }
  std::string Hash() const override;

  // Times that a lineage holding every island was broken up, and that an island started again.
  int64_t takeovers() const { return takeovers_; }
  int64_t restarts() const { return restarts_; }

  static constexpr int64_t kMostRepairs = 2;

 private:
  // How long an island has had the same best.
  struct Progress {
    CandidateId best = kNoCandidate;
    int64_t idle = 0;  // members added to this island meanwhile
  };

  bool OfferToIslands(const MemberPtr& member, size_t home);
  CandidateId FounderOf(const Member& member) const { return lineage_.At(member.id).founder; }
  size_t CellOf(const Member& member) const { return lineage_.At(member.id).cell; }
  void Migrate();
  // The founder that holds every island's best, or kNoCandidate.
  CandidateId HoldingLineage() const;
  void BreakUp(CandidateId holder);
  void NoteProgress(size_t island);
  void RestartStagnant(size_t island);
  // Starts again from the common stock and `guest`. The best of each of its cells is offered to the
  // next island first, so that nothing good is lost.
  void Restart(size_t island, const MemberPtr& guest);

  MemberPtr PickRepair(size_t island, Rng& rng) const;
  std::vector<MemberPtr> Inspire(const Member& parent, size_t island) const;

  // Constant after construction.
  SearchConfig config_;
  DescriptorSpace space_;
  std::shared_ptr<const CellMap> cells_;
  ParentPolicy policy_;

  std::vector<Island> islands_;
  std::vector<Progress> progress_;
  std::vector<MemberPtr> stock_;
  Lineage lineage_;
  MemberPtr best_;
  int64_t adds_ = 0;
  int64_t held_for_ = 0;  // consecutive adds during which one lineage held every island
  int64_t takeovers_ = 0;
  int64_t restarts_ = 0;
};

// The archive that `config` asks for. REQUIRES: its names are known (core/config_fields.h).
std::unique_ptr<IslandArchive> NewArchive(const SearchConfig& search, const ArchiveConfig& config,
                                          const DescriptorSpace& space);

}  // namespace ks

#endif  // KS_ARCHIVE_ISLAND_ARCHIVE_H_
