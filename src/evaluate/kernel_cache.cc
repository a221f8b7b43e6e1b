#include "evaluate/kernel_cache.h"

#include <utility>

#include "base/hash.h"

namespace ks {

std::shared_ptr<const CompiledKernel> KernelCache::Find(const std::string& source) {
  const std::string key = Sha256Hex(source);
  const std::lock_guard lock(mutex_);
  const auto it = entries_.find(key);
  if (it == entries_.end()) return nullptr;
  ages_.splice(ages_.begin(), ages_, it->second.age);
  return it->second.kernel;
}

void KernelCache::Put(const std::string& source, std::shared_ptr<const CompiledKernel> kernel) {
  const std::string key = Sha256Hex(source);
  const std::lock_guard lock(mutex_);
  if (entries_.contains(key)) return;
  ages_.push_front(key);
  entries_.emplace(key, Entry{std::move(kernel), ages_.begin()});
  if (entries_.size() <= capacity_) return;
  entries_.erase(ages_.back());
  ages_.pop_back();
}

}  // namespace ks
