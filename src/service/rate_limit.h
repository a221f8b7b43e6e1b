// A bucket of tokens for each client: so many requests a second, with a burst.
#ifndef KS_SERVICE_RATE_LIMIT_H_
#define KS_SERVICE_RATE_LIMIT_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace ks {

// Thread-safe. Remembers at most a few thousand clients; full buckets are forgotten first.
class RateLimit {
 public:
  // per_second 0: no limit.
  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}
  // True when this request may pass. `now_ns` never goes backwards.
  bool Take(const std::string& client, int64_t now_ns);

 private:
  struct Bucket {
    double tokens = 0;
    int64_t filled_ns = 0;
  };
  double Filled(const Bucket& bucket, int64_t now_ns) const;

  const double per_second_;
  const double burst_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;  // guarded by mutex_
};

}  // namespace ks

#endif  // KS_SERVICE_RATE_LIMIT_H_
