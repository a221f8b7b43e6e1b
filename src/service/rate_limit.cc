#include "service/rate_limit.h"

#include <algorithm>

namespace ks {
namespace {

constexpr size_t kMaxClients = 4096;

}  // namespace

double RateLimit::Filled(const Bucket& bucket, int64_t now_ns) const {
  const double seconds = static_cast<double>(now_ns - bucket.filled_ns) * 1e-9;
  return std::min(burst_, bucket.tokens + per_second_ * seconds);
}

bool RateLimit::Take(const std::string& client, int64_t now_ns) {
  if (per_second_ <= 0) return true;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kMaxClients && buckets_.count(client) == 0) {
    std::erase_if(buckets_, [&](const auto& one) { return Filled(one.second, now_ns) >= burst_; });
    if (buckets_.size() >= kMaxClients) return false;
  }
  const auto [it, is_new] = buckets_.try_emplace(client, Bucket{burst_, now_ns});
  Bucket& bucket = it->second;
  bucket = {Filled(bucket, now_ns), now_ns};
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace ks
