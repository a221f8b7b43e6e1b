// Compiled kernels by source text, so that parents and baselines are compiled once.
#ifndef KS_EVALUATE_KERNEL_CACHE_H_
#define KS_EVALUATE_KERNEL_CACHE_H_

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backend/backend.h"

namespace ks {

// Thread-safe. Least recently used entries go first.
class KernelCache {
 public:
  explicit KernelCache(size_t capacity) : capacity_(capacity) {}
  std::shared_ptr<const CompiledKernel> Find(const std::string& source);
  void Put(const std::string& source, std::shared_ptr<const CompiledKernel> kernel);

 private:
  struct Entry {
    std::shared_ptr<const CompiledKernel> kernel;
    std::list<std::string>::iterator age;
  };
  const size_t capacity_;
  std::mutex mutex_;
  std::list<std::string> ages_;  // most recent first; guarded by mutex_
  std::map<std::string, Entry> entries_;
};

}  // namespace ks

#endif  // KS_EVALUATE_KERNEL_CACHE_H_
