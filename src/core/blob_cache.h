// Port: bytes by key that may be forgotten at any time.
#ifndef KS_CORE_BLOB_CACHE_H_
#define KS_CORE_BLOB_CACHE_H_

#include <optional>
#include <string>

namespace ks {

// Thread-safe. A cache that cannot be read or written only costs time: there are no errors.
class BlobCache {
 public:
  virtual ~BlobCache() = default;
  virtual std::optional<std::string> FindBlob(const std::string& key) = 0;
  virtual void PutBlob(const std::string& key, std::string bytes) = 0;
};

}  // namespace ks

#endif  // KS_CORE_BLOB_CACHE_H_
