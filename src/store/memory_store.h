// A run kept in memory: for tests, and for evaluations that nobody will resume.
#ifndef KS_STORE_MEMORY_STORE_H_
#define KS_STORE_MEMORY_STORE_H_

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/store.h"

namespace ks {

// Thread-safe. Calls never fail but for GetSource of an unknown hash (kNotFound).
class MemoryStore final : public Store {
 public:
  Result<int64_t> AppendAll(std::span<const Event> events,
                            std::span<const NewSource> sources) override;
  Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit) const override;
  Result<int64_t> LastSequence() const override;
  Result<std::string> PutSource(const std::string& source) override;
  Result<std::string> GetSource(const std::string& source_hash) const override;
  Status PutResult(const std::string& key, const Evaluation& evaluation) override;
  Result<std::optional<Evaluation>> GetResult(const std::string& key) const override;

 private:
  mutable std::mutex mutex_;
  std::vector<Event> events_;                   // guarded by mutex_; sequence = index + 1
  std::map<std::string, std::string> sources_;  // guarded by mutex_; by hash
  std::map<std::string, Evaluation> results_;   // guarded by mutex_; by key
};

}  // namespace ks

#endif  // KS_STORE_MEMORY_STORE_H_
