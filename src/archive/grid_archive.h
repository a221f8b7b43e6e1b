// The population: islands x grid of strategy cells (MAP-Elites, Mouret and Clune 2015), with
// migration on a ring and a break-up of lineages that take every island over.
//
// Common stock (the seed and the baseline probes of skill "baseline_flags") enters every island;
// any other member only its own. All speed-ups given to one archive must be relative to the same
// baseline.
#ifndef KS_ARCHIVE_GRID_ARCHIVE_H_
#define KS_ARCHIVE_GRID_ARCHIVE_H_

#include <functional>
#include <unordered_map>

#include "archive/cpu_descriptor.h"
#include "archive/island.h"
#include "core/archive.h"
#include "core/config.h"

namespace ks {

// Single thread. Deterministic in the sequence of Add calls; Select does not change the state.
class GridArchive final : public Archive {
 public:
  // One bin an axis.
  using Describe = std::function<std::vector<int>(const Evaluation&)>;

  explicit GridArchive(const SearchConfig& config,
                       std::vector<DescriptorAxis> axes = CpuDescriptorAxes(),
                       Describe describe = CpuCell);

  // Measured members are offered to their cell; compile_failed, wrong_result, out_of_bounds and
  // crashed ones are kept for repair; others only count. Islands beyond the last wrap around.
  bool Add(MemberPtr member) override;
  // Parent: with repair_probability a recent failure whose parent is an elite still (at most
  // kMostRepairs children each); else with elite_probability by rank (each elite half as likely as
  // the one before it), with uniform_probability any elite, else the elite whose cell was chosen
  // least; nine times in ten without elites that are three times slower than the island's best.
  // Inspirations: the parent of a failure, the best, then the elites of the island that lie
  // farthest from those already named. The island is drawn uniformly.
  Selection Select(uint64_t seed) const override;
  // Over all measured members, also those that won no cell.
  MemberPtr best() const override { return best_; }
  std::vector<CellView> Cells() const override;
  const std::vector<DescriptorAxis>& axes() const override { return axes_; }
  std::string Hash() const override;

  // Times that a lineage holding every island was broken up.
  int64_t takeovers() const { return takeovers_; }

  static constexpr int64_t kMostRepairs = 2;

 private:
  // What is remembered of every member.
  struct Record {
    CandidateId founder =
        kNoCandidate;  // first ancestor that is not common stock; itself for stock
    size_t cell = 0;   // measured members only
    int64_t children = 0;
    bool stock = false;
    bool measured = false;
  };

  size_t CellOf(const Evaluation& evaluation) const;
  std::vector<int> BinsOf(size_t cell) const;
  Record MakeRecord(const Member& member) const;
  void NoteChild(const Member& child, Island& island);
  bool OfferToIslands(const MemberPtr& member, const Record& record, size_t home);
  CandidateId FounderOf(const Member& member) const;
  void Migrate();
  // The founder that holds every island's best, or kNoCandidate.
  CandidateId HoldingLineage() const;
  void BreakUp(CandidateId holder);

  std::vector<Elite> Promising(size_t island, class Rng& rng) const;
  MemberPtr PickParent(size_t island, class Rng& rng) const;
  MemberPtr PickRepair(size_t island, class Rng& rng) const;
  std::vector<MemberPtr> Inspire(const Member& parent, size_t island) const;
  double Distance(size_t a, size_t b) const;
  std::string CanonicalState() const;

  // Constant after construction.
  SearchConfig config_;
  std::vector<DescriptorAxis> axes_;
  Describe describe_;

  std::vector<Island> islands_;
  std::vector<MemberPtr> stock_;
  std::unordered_map<CandidateId, Record> records_;
  MemberPtr best_;
  int64_t adds_ = 0;
  int64_t held_for_ = 0;  // consecutive adds during which one lineage held every island
  int64_t takeovers_ = 0;
};

}  // namespace ks

#endif  // KS_ARCHIVE_GRID_ARCHIVE_H_
