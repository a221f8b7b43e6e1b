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

const std::string* SourceCache::Find(const Sha256Digest& hash) const {
  const Recent& slot = SlotOf(hash);
  if (slot.text != nullptr && slot.hash == hash) return slot.text.get();
  const auto held = held_.find(hash);
  return held == held_.end() ? nullptr : held->second.text.get();
}

Status SourceCache::ReadSourceInto(const Sha256Digest& hash, std::string& text) const {
  {
    const std::lock_guard lock(mutex_);
    if (const std::string* const found = Find(hash)) {
      text = *found;
      return {};
    }
  }
  KS_ASSIGN_OR_RETURN(text, store_.GetSource(HexOf(hash)));
  const std::lock_guard lock(mutex_);
  SlotOf(hash) = {hash, std::make_shared<const std::string>(text)};
  return {};
}

Result<std::string> SourceCache::ReadSource(const Sha256Digest& hash) const {
  std::string text;
  KS_RETURN_IF_ERROR(ReadSourceInto(hash, text));
  return text;
}

}  // namespace ks
