// The figures of the service in Prometheus's text format (version 0.0.4).
#ifndef KS_SERVICE_METRICS_H_
#define KS_SERVICE_METRICS_H_

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "service/service.h"

namespace ks {

// Answers by route and status, and how long they took. Thread-safe.
class HttpMetrics {
 public:
  // `seconds` < 0: the answer waited on purpose, its time says nothing.
  void Count(const std::string& route, int status, double seconds);
  // Appends its lines.
  void Append(std::string& text) const;

 private:
  static constexpr std::array kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01,
                                         0.025,  0.05,  0.1,    0.5,   2.5};
  struct Histogram {
    std::array<int64_t, kBounds.size() + 1> counts = {};
    double sum = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, int64_t> answers_;  // guarded by mutex_, as is the next
  std::map<std::string, Histogram> seconds_;
};

struct ProcessFigures {
  std::string version;
  double uptime_s = 0;
  size_t connections = 0;
};
std::string MetricsText(const ServiceStats& stats, const HttpMetrics& http,
                        const ProcessFigures& process);

}  // namespace ks

#endif  // KS_SERVICE_METRICS_H_
