// Port: the population. Islands x grid of strategy cells; one elite a cell and island.
#ifndef KS_CORE_ARCHIVE_H_
#define KS_CORE_ARCHIVE_H_

#include <memory>
#include <string>
#include <vector>

#include "core/evaluation.h"
#include "core/source.h"

namespace ks {

// A judged candidate. Immutable, shared by archive, engine and proposer.
struct Member {
  CandidateId id = kNoCandidate;
  CandidateId parent = kNoCandidate;
  int64_t step = 0;
  int island = 0;
  int generation = 0;  // edits from the seed
  Source source;       // its text may lie on disk: source.Load()
  std::string skill;   // that made it, or the model; "seed", "baseline_flags" for the probes
  std::string rationale;
  Evaluation evaluation;  // without the samples of its timings

  const Measured* measured() const { return AsMeasured(evaluation.outcome); }
};
using MemberPtr = std::shared_ptr<const Member>;

// A dimension of the grid: fixed, named bins.
struct DescriptorAxis {
  std::string name;               // "vector width"
  std::vector<std::string> bins;  // "scalar", "128 bit", ...
};

struct Selection {
  MemberPtr parent;
  std::vector<MemberPtr> inspirations;  // best first, then far-away elites
  int island = 0;
  bool repair = false;  // parent is a failed candidate to be mended
};

struct CellView {
  int island = 0;
  std::vector<int> bins;  // one per axis
  MemberPtr elite;
};

// Single thread. Deterministic in the sequence of calls.
class Archive {
 public:
  virtual ~Archive() = default;
  // Takes note of a judged candidate; true when it entered a cell. O(1) but for migration.
  virtual bool Add(MemberPtr member) = 0;
  // REQUIRES: a measured member was added. Deterministic in (state, seed).
  virtual Selection Select(uint64_t seed) const = 0;
  // Highest speedup.low; null when nothing was measured.
  virtual MemberPtr best() const = 0;
  virtual std::vector<CellView> Cells() const = 0;
  virtual const std::vector<DescriptorAxis>& axes() const = 0;
  // SHA-256 over the whole state: equal hashes, equal archives.
  virtual std::string Hash() const = 0;
};

}  // namespace ks

#endif  // KS_CORE_ARCHIVE_H_
