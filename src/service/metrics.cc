#include "service/metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "base/text.h"

namespace ks {
namespace {

void Head(std::string& text, const char* name, const char* type, const char* help) {
  text += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

template <typename T>
void One(std::string& text, const char* name, const char* type, const char* help, T value) {
  Head(text, name, type, help);
  text += fmt::format("{} {}\n", name, value);
}

// Label values: backslash, quote and line feed are escaped.
std::string Label(const std::string& value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

double ResidentBytes() {
  const Result<std::string> text = PosixFileSystem().Read("/proc/self/statm", kMaxTextFileBytes);
  if (!text.ok()) return 0;
  const auto words = SplitWords(*text);
  const auto pages = words.size() > 1 ? ParseInt(words[1]) : std::nullopt;
  return static_cast<double>(pages.value_or(0)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void AppendEvaluations(std::string& text, const ServiceStats& stats) {
  Head(text, "ksmith_submissions_total", "counter",
       "Requests for an evaluation, by what came of it.");
  for (const auto& [result, count] : {std::pair{"accepted", stats.accepted},
                                      {"reused", stats.reused},
                                      {"joined", stats.joined},
                                      {"queue_full", stats.refused_full}}) {
    text += fmt::format("ksmith_submissions_total{{result=\"{}\"}} {}\n", result, count);
  }
  Head(text, "ksmith_evaluations_total", "counter", "Evaluations that have ended, by state.");
  for (const auto& [state, count] : {std::pair{"finished", stats.finished},
                                     {"failed", stats.failed},
                                     {"cancelled", stats.cancelled},
                                     {"expired", stats.expired}}) {
    text += fmt::format("ksmith_evaluations_total{{state=\"{}\"}} {}\n", state, count);
  }
  Head(text, "ksmith_outcomes_total", "counter", "Finished evaluations, by outcome.");
  for (const auto& [kind, count] : stats.outcomes) {
    text += fmt::format("ksmith_outcomes_total{{outcome=\"{}\"}} {}\n", kind, count);
  }
  One(text, "ksmith_retries_total", "counter", "Second tries after a fault of the service.",
      stats.retries);
  Head(text, "ksmith_stage_seconds_total", "counter", "Time spent in each stage.");
  for (const auto& [stage, seconds] : {std::pair{"compile", stats.seconds.compile},
                                       {"check", stats.seconds.check},
                                       {"time", stats.seconds.time},
                                       {"queue", stats.seconds.queue}}) {
    text += fmt::format("ksmith_stage_seconds_total{{stage=\"{}\"}} {}\n", stage, seconds);
  }
  One(text, "ksmith_queued", "gauge", "Accepted evaluations that wait.", stats.queued);
  One(text, "ksmith_running", "gauge", "Evaluations that are being compiled, checked or timed.",
      stats.running);
  One(text, "ksmith_evaluators", "gauge", "Evaluators kept warm.", stats.evaluators);
}

void AppendDevices(std::string& text, const ServiceStats& stats) {
  Head(text, "ksmith_device_busy_seconds_total", "counter", "Time under the lease of a device.");
  for (const auto& device : stats.devices) {
    text += fmt::format("ksmith_device_busy_seconds_total{{device=\"{}\"}} {}\n", Label(device.id),
                        device.busy_s);
  }
  Head(text, "ksmith_device_leases_total", "counter", "Leases of a device that have ended.");
  for (const auto& device : stats.devices) {
    text += fmt::format("ksmith_device_leases_total{{device=\"{}\"}} {}\n", Label(device.id),
                        device.timed);
  }
  Head(text, "ksmith_device_waiting", "gauge", "Checked candidates that wait for the lease.");
  for (const auto& device : stats.devices) {
    text += fmt::format("ksmith_device_waiting{{device=\"{}\"}} {}\n", Label(device.id),
                        device.waiting);
  }
}

}  // namespace

void HttpMetrics::Count(const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++answers_[{route, status}];
  if (seconds < 0) return;
  Histogram& histogram = seconds_[route];
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++histogram.counts[static_cast<size_t>(bucket - kBounds.begin())];
  histogram.sum += seconds;
}

void HttpMetrics::Append(std::string& text) const {
  const std::lock_guard lock(mutex_);
  Head(text, "ksmith_http_answers_total", "counter", "HTTP answers, by route and status.");
  for (const auto& [key, count] : answers_) {
    text += fmt::format("ksmith_http_answers_total{{route=\"{}\",status=\"{}\"}} {}\n",
                        Label(key.first), key.second, count);
  }
  Head(text, "ksmith_http_seconds", "histogram",
       "From a request that was read to its answer, without those that wait on purpose.");
  for (const auto& [route, histogram] : seconds_) {
    int64_t total = 0;
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      total += histogram.counts[i];
      const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
      text += fmt::format("ksmith_http_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n", Label(route),
                          bound, total);
    }
    text += fmt::format(
        "ksmith_http_seconds_sum{{route=\"{0}\"}} {1}\nksmith_http_seconds_count{{route=\"{0}\"}} "
        "{2}\n",
        Label(route), histogram.sum, total);
  }
}

std::string MetricsText(const ServiceStats& stats, const HttpMetrics& http,
                        const ProcessFigures& process) {
  std::string text;
  Head(text, "ksmith_build_info", "gauge", "The version of kernelsmith.");
  text += fmt::format("ksmith_build_info{{version=\"{}\"}} 1\n", Label(process.version));
  One(text, "ksmith_uptime_seconds", "gauge", "Since the start of the service.", process.uptime_s);
  One(text, "ksmith_resident_bytes", "gauge", "Memory of the service's process.", ResidentBytes());
  One(text, "ksmith_http_connections", "gauge", "Open connections.", process.connections);
  AppendEvaluations(text, stats);
  AppendDevices(text, stats);
  One(text, "ksmith_cached_outcomes", "gauge", "Outcomes on the disk, at the last count.",
      stats.journal.outcomes);
  One(text, "ksmith_cached_binaries", "gauge", "Binaries on the disk, at the last count.",
      stats.journal.binaries);
  One(text, "ksmith_cached_bytes", "gauge", "Size of both, at the last count.",
      stats.journal.cached_bytes);
  One(text, "ksmith_evicted_total", "counter", "Of both, that made room for newer ones.",
      stats.journal.evicted);
  http.Append(text);
  return text;
}

}  // namespace ks
