#include "engine/hash_index.h"

#include <cstring>
#include <mutex>

#include "base/hash.h"

namespace ks {
namespace {

constexpr size_t kFirstSlots = 1024;

}  // namespace

HashIndex::Slot HashIndex::KeyOf(std::string_view hash) {
  const Sha256Digest digest = Sha256FromHex(hash).value_or(Sha256Digest{});
  const Sha256Digest bytes = digest == Sha256Digest{} ? Sha256(hash) : digest;
  Slot key;
  std::memcpy(&key.high, bytes.data(), sizeof key.high);
  std::memcpy(&key.low, bytes.data() + sizeof key.high, sizeof key.low);
  return key;
}

// The slot of this key, or the empty one where it belongs.
size_t HashIndex::Find(const Slot& key) const {
  size_t at = key.high & (slots_.size() - 1);
  while (slots_[at].id != kNoCandidate &&
         (slots_[at].high != key.high || slots_[at].low != key.low)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return at;
}

void HashIndex::Insert(std::string_view hash, CandidateId id) {
  Slot key = KeyOf(hash);
  key.id = id;
  const std::unique_lock lock(mutex_);
  MakeRoom(1);
  Put(key);
}

void HashIndex::InsertAll(std::span<const Entry> entries) {
  std::vector<Slot> keys;
  keys.reserve(entries.size());
  for (const Entry& entry : entries) keys.emplace_back(KeyOf(entry.hash)).id = entry.id;
  const std::unique_lock lock(mutex_);
  MakeRoom(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    constexpr size_t kAhead = 16;
    const size_t next = i + kAhead;
    if (next < keys.size()) {
      __builtin_prefetch(&slots_[keys[next].high & (slots_.size() - 1)], 1);
    }
    Put(keys[i]);
  }
}

// REQUIRES: there is room.
void HashIndex::Put(const Slot& key) {
  Slot& slot = slots_[Find(key)];
  if (slot.id == kNoCandidate) ++size_;
  if (slot.id == kNoCandidate || slot.id > key.id) slot = key;
}

void HashIndex::MakeRoom(size_t more) {
  while (4 * (size_ + more) > 3 * slots_.size()) Grow();
}

CandidateId HashIndex::First(std::string_view hash) const {
  const Slot key = KeyOf(hash);
  const std::shared_lock lock(mutex_);
  return slots_.empty() ? kNoCandidate : slots_[Find(key)].id;
}

void HashIndex::Grow() {
  std::vector<Slot> old(slots_.empty() ? kFirstSlots : 2 * slots_.size());
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.id != kNoCandidate) slots_[Find(slot)] = slot;
  }
}

}  // namespace ks
