// Port: where a run is kept. Append, then commit; nothing committed is ever lost.
#ifndef KS_CORE_STORE_H_
#define KS_CORE_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/event.h"

namespace ks {

// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;
  // Appends and commits in one transaction; the event's sequence is set by the store and returned.
  // ERRORS: kResourceExhausted (disk full), kFailedPrecondition (read-only), kDataLoss.
  virtual Result<int64_t> Append(const Event& event) = 0;
  // All events with sequence > `after`, in order.
  virtual Result<std::vector<Event>> Read(int64_t after) const = 0;
  // Content-addressed sources, compressed. PutSource returns the SHA-256.
  virtual Result<std::string> PutSource(const std::string& source) = 0;
  // ERRORS: kNotFound, kDataLoss (hash does not fit).
  virtual Result<std::string> GetSource(const std::string& source_hash) const = 0;
  // Evaluations by content, so that nothing is measured twice:
  // key = task hash, source hash, toolchain id, device id joined by '/'.
  virtual Status PutResult(const std::string& key, const Evaluation& evaluation) = 0;
  virtual Result<std::optional<Evaluation>> GetResult(const std::string& key) const = 0;
};

}  // namespace ks

#endif  // KS_CORE_STORE_H_
