#include "engine/seen_sources.h"

#include <charconv>
#include <mutex>

#include "base/check.h"

namespace ks {
namespace {

constexpr size_t kFirstSlots = 1024;

uint64_t Word(std::string_view hash, size_t at) {
  KS_CHECK(hash.size() >= at + 16);
  uint64_t word = 0;
  const char* end = hash.data() + at + 16;
  KS_CHECK(std::from_chars(hash.data() + at, end, word, 16).ptr == end);
  return word;
}

}  // namespace

// The slot of this key, or the empty one where it belongs.
size_t SeenSources::Find(const Slot& key) const {
  size_t at = key.high & (slots_.size() - 1);
  while (slots_[at].id != kNoCandidate &&
         (slots_[at].high != key.high || slots_[at].low != key.low)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

void SeenSources::Insert(std::string_view hash, CandidateId id) {
  const Slot key{Word(hash, 0), Word(hash, 16), id};
  const std::unique_lock lock(mutex_);
  if (4 * (size_ + 1) > 3 * slots_.size()) Grow();
  Slot& slot = slots_[Find(key)];
  if (slot.id != kNoCandidate) return;
  slot = key;
  ++size_;
}

CandidateId SeenSources::First(std::string_view hash) const {
  const Slot key{Word(hash, 0), Word(hash, 16)};
  const std::shared_lock lock(mutex_);
  return slots_.empty() ? kNoCandidate : slots_[Find(key)].id;
}

void SeenSources::Grow() {
  std::vector<Slot> old(slots_.empty() ? kFirstSlots : 2 * slots_.size());
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id != kNoCandidate) slots_[Find(slot)] = slot;
  }
}

}  // namespace ks
