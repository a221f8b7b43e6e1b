#include "store/memory_store.h"

#include <algorithm>

#include "base/hash.h"

namespace ks {

Result<int64_t> MemoryStore::AppendAll(std::span<const Event> events,
                                       std::span<const NewSource> sources) {
  const std::lock_guard lock(mutex_);
  for (const NewSource& source : sources) sources_.emplace(source.hash, *source.text);
  for (const Event& event : events) {
    events_.push_back(event);
    events_.back().sequence = static_cast<int64_t>(events_.size());
  }
  return static_cast<int64_t>(events_.size());
}

Result<std::vector<Event>> MemoryStore::ReadSome(int64_t after, int64_t limit) const {
  const std::lock_guard lock(mutex_);
  const auto size = static_cast<int64_t>(events_.size());
  const int64_t first = std::clamp(after, int64_t{0}, size);
  const int64_t count = std::clamp(limit, int64_t{0}, size - first);
  return std::vector<Event>(events_.begin() + first, events_.begin() + first + count);
}

Result<int64_t> MemoryStore::LastSequence() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(events_.size());
}

Result<std::string> MemoryStore::PutSource(const std::string& source) {
  std::string hash = Sha256Hex(source);
  const std::lock_guard lock(mutex_);
  sources_.emplace(hash, source);
  return hash;
}

Result<std::string> MemoryStore::GetSource(const std::string& source_hash) const {
  const std::lock_guard lock(mutex_);
  const auto it = sources_.find(source_hash);
  if (it == sources_.end()) {
    return Error{ErrorCode::kNotFound, "source " + source_hash + " is not stored"};
  }
  return it->second;
}

Status MemoryStore::PutResult(const std::string& key, const Evaluation& evaluation) {
  const std::lock_guard lock(mutex_);
  results_.insert_or_assign(key, evaluation);
  return {};
}

Result<std::optional<Evaluation>> MemoryStore::GetResult(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = results_.find(key);
  if (it == results_.end()) return std::optional<Evaluation>();
  return std::optional<Evaluation>(it->second);
}

}  // namespace ks
