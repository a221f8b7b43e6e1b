#include "engine/source_cache.h"

#include <utility>

#include "base/check.h"

namespace ks {

void SourceCache::Hold(const Sha256Digest& hash, std::shared_ptr<const std::string> text) {
  const std::lock_guard lock(mutex_);
  Held& held = held_[hash];
  held.text = std::move(text);
  ++held.holders;
}

void SourceCache::Release(const Sha256Digest& hash) {
  const std::lock_guard lock(mutex_);
  const auto held = held_.find(hash);
  KS_CHECK(held != held_.end());
  if (--held->second.holders > 0) return;
  SlotOf(hash) = {hash, std::move(held->second.text)};
  held_.erase(held);
}

Result<std::string> SourceCache::ReadSource(const Sha256Digest& hash) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto held = held_.find(hash); held != held_.end()) return *held->second.text;
    const Recent& slot = SlotOf(hash);
    if (slot.text != nullptr && slot.hash == hash) return *slot.text;
  }
  KS_ASSIGN_OR_RETURN(std::string text, store_.GetSource(HexOf(hash)));
  const std::lock_guard lock(mutex_);
  SlotOf(hash) = {hash, std::make_shared<const std::string>(text)};
  return text;
}

}  // namespace ks
