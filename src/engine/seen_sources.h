// Which normalised sources were proposed, and by which step first.
#ifndef KS_ENGINE_SEEN_SOURCES_H_
#define KS_ENGINE_SEEN_SOURCES_H_

#include <cstdint>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "core/outcome.h"

namespace ks {

// About 40 bytes a source: the first half of its SHA-256, which no two sources share in practice,
// in an open-addressed table. Thread-safe.
class SeenSources {
 public:
  // `hash` is a SHA-256 in hexadecimal digits. The first id of a hash stays.
  void Insert(std::string_view hash, CandidateId id);
  // kNoCandidate: never inserted.
  CandidateId First(std::string_view hash) const;

 private:
  struct Slot {
    uint64_t high = 0;
    uint64_t low = 0;
    CandidateId id = kNoCandidate;  // kNoCandidate: empty
  };
  size_t Find(const Slot& key) const;
  void Grow();

  mutable std::shared_mutex mutex_;
  std::vector<Slot> slots_;  // guarded by mutex_, as is size_; a power of two
  size_t size_ = 0;
};

}  // namespace ks

#endif  // KS_ENGINE_SEEN_SOURCES_H_
