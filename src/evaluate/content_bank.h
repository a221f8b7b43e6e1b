// Secret contents of check workloads with the outputs that the fp64 oracle expects, made once.
//
// A device candidate keeps nothing between evaluations (no host code, no state on the device), so
// that a content which an earlier candidate has seen is as good as a fresh one; the next evaluation
// draws at random which contents it gets.
#ifndef KS_EVALUATE_CONTENT_BANK_H_
#define KS_EVALUATE_CONTENT_BANK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <tuple>
#include <vector>

#include "evaluate/oracle.h"

namespace ks {

// Immutable.
struct CheckContent {
  std::vector<Bytes> inputs;  // task order
  std::vector<Bytes> want;    // as Oracle::Expected gives them
};

// Thread-safe. Made lazily; keeps at most `kMostBytes`, what goes beyond is made again each time.
// Task and oracle outlive it.
class ContentBank {
 public:
  static constexpr uint64_t kContentsPerTrial = 3;
  static constexpr size_t kMostBytes = size_t{512} << 20;

  ContentBank(const Task& task, Oracle& oracle, uint64_t secret_seed)
      : task_(task), oracle_(oracle), secret_seed_(secret_seed) {}

  // One of the contents for `trial` (which decides the distribution, see FillInputs) of workload
  // number `workload`; `draw` is a random number that chooses. ERRORS: as Oracle::Expected.
  Result<std::shared_ptr<const CheckContent>> Draw(size_t workload, int trial, uint64_t draw,
                                                   std::stop_token stop);
  size_t kept_bytes() const;

 private:
  using Key = std::tuple<size_t, int, uint64_t>;  // workload, trial, which of the contents

  const Task& task_;
  Oracle& oracle_;
  const uint64_t secret_seed_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<const CheckContent>> contents_;  // below: guarded by mutex_
  size_t kept_bytes_ = 0;
};

}  // namespace ks

#endif  // KS_EVALUATE_CONTENT_BANK_H_
