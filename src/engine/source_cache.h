// The texts of candidates: those not committed yet, those looked at lately, the rest in the store.
#ifndef KS_ENGINE_SOURCE_CACHE_H_
#define KS_ENGINE_SOURCE_CACHE_H_

#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/source.h"
#include "core/store.h"

namespace ks {

// Thread-safe. The store outlives it.
class SourceCache final : public SourceReader {
 public:
  explicit SourceCache(const Store& store) : store_(store), recent_(kRecent) {}

  // Keeps the text until Release, whatever else is read.
  void Hold(const Sha256Digest& hash, std::shared_ptr<const std::string> text);
  // The store has it now.
  void Release(const Sha256Digest& hash);
  Result<std::string> ReadSource(const Sha256Digest& hash) const override;
  Status ReadSourceInto(const Sha256Digest& hash, std::string& text) const override;

 private:
  static constexpr size_t kRecent = 4096;  // texts of some kilobytes each

  struct Recent {
    Sha256Digest hash{};
    std::shared_ptr<const std::string> text;
  };
  struct HashOfHash {
    size_t operator()(const Sha256Digest& hash) const {
      size_t word = 0;
      std::memcpy(&word, hash.data(), sizeof word);
      return word;
    }
  };
  struct Held {
    std::shared_ptr<const std::string> text;
    int holders = 0;
  };
  // Null: neither held nor looked at lately. REQUIRES: the mutex is held.
  const std::string* Find(const Sha256Digest& hash) const;
  Recent& SlotOf(const Sha256Digest& hash) const { return recent_[HashOfHash()(hash) % kRecent]; }

  const Store& store_;
  mutable std::mutex mutex_;
  std::unordered_map<Sha256Digest, Held, HashOfHash> held_;  // guarded by mutex_
  mutable std::vector<Recent> recent_;                       // guarded by mutex_; by hash
};

}  // namespace ks

#endif  // KS_ENGINE_SOURCE_CACHE_H_
