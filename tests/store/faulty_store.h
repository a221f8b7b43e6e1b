// A store that fails on demand: shows that a caller survives a failure at each of its writes.
#ifndef KS_TESTS_STORE_FAULTY_STORE_H_
#define KS_TESTS_STORE_FAULTY_STORE_H_

#include <mutex>
#include <optional>
#include <utility>

#include "core/store.h"

namespace ks {

// Hands every call to `inner` until the n-th, which fails without reaching it, and so do all later
// ones (a full disk stays full) until Mend(). Thread-safe. `inner` must outlive it.
class FaultyStore final : public Store {
 public:
  enum class Counts { kWrites, kAll };

  explicit FaultyStore(Store& inner, Counts counts = Counts::kWrites)
      : inner_(inner), counts_(counts) {}

  // From the n-th counted call from now on (1 = the next one), calls fail with `error`.
  void FailFrom(int n, Error error) {
    const std::lock_guard lock(mutex_);
    fail_at_ = calls_ + n;
    error_ = std::move(error);
  }
  void Mend() {
    const std::lock_guard lock(mutex_);
    fail_at_.reset();
  }
  // Counted calls so far, failed ones included.
  int calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  Result<int64_t> AppendAll(std::span<const Event> events,
                            std::span<const NewSource> sources) override {
    KS_RETURN_IF_ERROR(Count(true));
    return inner_.AppendAll(events, sources);
  }
  Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit) const override {
    KS_RETURN_IF_ERROR(Count(false));
    return inner_.ReadSome(after, limit);
  }
  Result<int64_t> LastSequence() const override {
    KS_RETURN_IF_ERROR(Count(false));
    return inner_.LastSequence();
  }
  Result<std::string> PutSource(const std::string& source) override {
    KS_RETURN_IF_ERROR(Count(true));
    return inner_.PutSource(source);
  }
  Result<std::string> GetSource(const std::string& source_hash) const override {
    KS_RETURN_IF_ERROR(Count(false));
    return inner_.GetSource(source_hash);
  }
  Status PutResult(const std::string& key, const Evaluation& evaluation) override {
    KS_RETURN_IF_ERROR(Count(true));
    return inner_.PutResult(key, evaluation);
  }
  Result<std::optional<Evaluation>> GetResult(const std::string& key) const override {
    KS_RETURN_IF_ERROR(Count(false));
    return inner_.GetResult(key);
  }

 private:
  Status Count(bool write) const {
    const std::lock_guard lock(mutex_);
    if (!write && counts_ == Counts::kWrites) return {};
    ++calls_;
    if (fail_at_ && calls_ >= *fail_at_) return error_;
    return {};
  }

  Store& inner_;
  const Counts counts_;
  mutable std::mutex mutex_;
  mutable int calls_ = 0;       // guarded by mutex_
  std::optional<int> fail_at_;  // guarded by mutex_
  Error error_;                 // guarded by mutex_
};

}  // namespace ks

#endif  // KS_TESTS_STORE_FAULTY_STORE_H_
