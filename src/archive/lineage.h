// What is remembered of every member for good, also of those that hold no cell: where it came from
// and what came of it.
#ifndef KS_ARCHIVE_LINEAGE_H_
#define KS_ARCHIVE_LINEAGE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "core/archive.h"

namespace ks {

// The seed and the probes of its flags: they belong to every island.
bool IsStock(const Member& member);

// Thread-compatible. About 40 bytes a member.
class Lineage {
 public:
  struct Record {
    CandidateId parent = kNoCandidate;
    CandidateId founder = kNoCandidate;  // first ancestor that is not stock; itself for stock
    float best_low = 0;      // highest low end among itself and its descendants; 0: none
    float value = kNothing;  // its logarithm; kNothing: none was measured
    int32_t visits = 0;      // descendants that were judged, at most kDeepest generations away
    int32_t children = 0;    // direct ones
    uint32_t cell = 0;       // measured members only
    bool present = false;
    bool stock = false;
    bool measured = false;
  };
  static constexpr float kNothing = -1e30F;
  // A visit and a value go up to so many ancestors.
  static constexpr int kDeepest = 64;

  // `cell` counts for measured members. O(depth), at most kDeepest. REQUIRES: id >= 0, new.
  void Add(const Member& member, size_t cell);
  bool Contains(CandidateId id) const { return id >= 0 && id < size_ && At(id).present; }
  // REQUIRES: Contains(id).
  const Record& At(CandidateId id) const {
    return chunks_[static_cast<size_t>(id) / kChunk][static_cast<size_t>(id) % kChunk];
  }
  // Null when there is no such member.
  const Record* Find(CandidateId id) const { return Contains(id) ? &At(id) : nullptr; }
  // Members that came from another one.
  int64_t expansions() const { return expansions_; }
  // In order of id.
  template <typename Visit>
  void ForEach(Visit visit) const {
    for (CandidateId id = 0; id < size_; ++id) {
      if (At(id).present) visit(id, At(id));
    }
  }

 private:
  static constexpr size_t kChunk = 4096;
  Record& Mutable(CandidateId id) {
    return chunks_[static_cast<size_t>(id) / kChunk][static_cast<size_t>(id) % kChunk];
  }

  std::vector<std::unique_ptr<Record[]>> chunks_;  // by id; records that grow never move
  CandidateId size_ = 0;                           // one past the highest id
  int64_t expansions_ = 0;
};

}  // namespace ks

#endif  // KS_ARCHIVE_LINEAGE_H_
