// Port: where a run is kept. Append, then commit; nothing committed is ever lost.
#ifndef KS_CORE_STORE_H_
#define KS_CORE_STORE_H_

#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/event.h"

namespace ks {

// A text that events name by its hash.
struct NewSource {
  std::string hash;  // its SHA-256 in hexadecimal digits
  std::shared_ptr<const std::string> text;
};

// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;
  // Appends the events in order and puts the sources, all in one transaction: all of it is kept, or
  // nothing. Committed with one sync when it returns. The events' sequences are set by the store;
  // returns that of the last one. REQUIRES: hashes that fit; at least one event.
  // ERRORS: kResourceExhausted (disk full), kFailedPrecondition (read-only), kDataLoss.
  virtual Result<int64_t> AppendAll(std::span<const Event> events,
                                    std::span<const NewSource> sources) = 0;
  Result<int64_t> Append(const Event& event) { return AppendAll({&event, 1}, {}); }
  // At most `limit` events with sequence > `after`, in order. ERRORS: kDataLoss.
  virtual Result<std::vector<Event>> ReadSome(int64_t after, int64_t limit) const = 0;
  // The sequence of the last event; 0: there is none. ERRORS: kDataLoss.
  virtual Result<int64_t> LastSequence() const = 0;
  // All of them.
  Result<std::vector<Event>> Read(int64_t after) const {
    return ReadSome(after, std::numeric_limits<int64_t>::max());
  }
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
