// Content hashes and the candidate that had each first: sources and binaries that were seen.
#ifndef KS_ENGINE_HASH_INDEX_H_
#define KS_ENGINE_HASH_INDEX_H_

#include <cstdint>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <vector>

#include "core/outcome.h"

namespace ks {

// Some 40 bytes an entry: 128 bits of the hash, which no two contents share in practice, in an
// open-addressed table. Thread-safe.
class HashIndex {
 public:
  // The lowest id of a hash stays. `hash`: any text that names the content, best a SHA-256 in
  // hexadecimal digits.
  void Insert(std::string_view hash, CandidateId id);
  struct Entry {
    std::string_view hash;
    CandidateId id = kNoCandidate;
  };
  // The same for many, whose waits for memory then overlap.
  void InsertAll(std::span<const Entry> entries);
  // kNoCandidate: never inserted.
  CandidateId First(std::string_view hash) const;

 private:
  struct Slot {
    uint64_t high = 0;
    uint64_t low = 0;
    CandidateId id = kNoCandidate;  // kNoCandidate: empty
  };
  static Slot KeyOf(std::string_view hash);
  size_t Find(const Slot& key) const;
  void Put(const Slot& key);
  void MakeRoom(size_t more);
  void Grow();

  mutable std::shared_mutex mutex_;
  std::vector<Slot> slots_;  // guarded by mutex_, as is size_; a power of two
  size_t size_ = 0;
};

}  // namespace ks

#endif  // KS_ENGINE_HASH_INDEX_H_
