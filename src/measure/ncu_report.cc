#include "measure/ncu_report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"

namespace ks {
namespace {

constexpr const char* kDuration = "gpu__time_duration.sum";
constexpr const char* kCompute = "sm__throughput.avg.pct_of_peak_sustained_elapsed";
constexpr const char* kMemory = "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed";

constexpr std::array kCounters = {
    NcuCounter{kDuration, "duration"},
    NcuCounter{kCompute, "compute throughput"},
    NcuCounter{kMemory, "memory throughput"},
    NcuCounter{"dram__throughput.avg.pct_of_peak_sustained_elapsed", "device memory throughput"},
    NcuCounter{"dram__bytes.sum", "device memory traffic"},
    NcuCounter{"l1tex__t_sector_hit_rate.pct", "first-level hits"},
    NcuCounter{"lts__t_sector_hit_rate.pct", "second-level hits"},
    NcuCounter{"sm__warps_active.avg.pct_of_peak_sustained_active", "occupancy"},
    NcuCounter{"smsp__warps_eligible.avg.per_cycle_active", "eligible warps a scheduler"},
    NcuCounter{"smsp__issue_active.avg.pct_of_peak_sustained_active", "issue slots busy"},
    NcuCounter{"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active",
               "tensor cores busy"},
    NcuCounter{"l1tex__data_bank_conflicts_pipe_lsu.sum", "shared memory bank conflicts"},
    NcuCounter{"smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio",
               "warps waiting for memory, an issue"},
    NcuCounter{"launch__registers_per_thread", "registers a thread"},
};

// The cells of one CSV record; `text` is used up to the end of its line. Quotes may hold commas,
// line ends and doubled quotes.
std::vector<std::string> TakeRecord(std::string_view* text) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  size_t at = 0;
  for (; at < text->size(); ++at) {
    const char c = (*text)[at];
    if (quoted) {
      if (c != '"') {
        cells.back() += c;
      } else if (at + 1 < text->size() && (*text)[at + 1] == '"') {
        cells.back() += '"';
        ++at;
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  text->remove_prefix(std::min(text->size(), at + 1));
  return cells;
}

// "1,234.5" as well; empty: no number ("n/a", "nan").
std::optional<double> NumberOf(std::string_view cell) {
  std::string digits(Trim(cell));
  std::erase(digits, ',');
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// "softmax(const float *, float *)" and "void ns::softmax<4>(..)" are "softmax".
bool IsNamed(std::string_view launched, const std::vector<std::string>& kernels) {
  std::string name(Trim(launched.substr(0, launched.find('('))));
  name = name.substr(0, name.find('<'));
  const size_t word = name.find_last_of(" :");
  if (word != std::string::npos) name = name.substr(word + 1);
  return std::find(kernels.begin(), kernels.end(), name) != kernels.end();
}

// The profiler's own complaint, else the first line.
std::string Said(std::string_view text) {
  std::string first;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("==ERROR==")) return Shorten(std::string(Trim(line.substr(9))), 300);
    if (first.empty() && !Trim(line).empty()) first = Shorten(std::string(Trim(line)), 300);
  }
  return first.empty() ? "nothing" : first;
}

double ValueOf(const NcuLaunch& launch, const char* metric) {
  const auto found = launch.values.find(metric);
  return found == launch.values.end() ? 0 : found->second;
}

}  // namespace

std::span<const NcuCounter> NcuCounters() { return kCounters; }

std::string NcuMetricList() {
  std::vector<std::string> names;
  for (const NcuCounter& counter : kCounters) names.emplace_back(counter.metric);
  return Join(names, ",");
}

Result<std::vector<NcuLaunch>> ParseNcuReport(std::string_view text,
                                              const std::vector<std::string>& kernels) {
  const std::string_view all = text;
  std::vector<std::string> header;
  while (!text.empty() && header.empty()) {
    if (text.starts_with("\"ID\",")) {
      header = TakeRecord(&text);
    } else {
      const size_t line = text.find('\n');
      text.remove_prefix(line == std::string_view::npos ? text.size() : line + 1);
    }
  }
  const auto name_at = std::find(header.begin(), header.end(), "Kernel Name") - header.begin();
  if (static_cast<size_t>(name_at) == header.size()) {
    return Error{ErrorCode::kDataLoss, "no table in the profiler's report: " + Said(all)};
  }
  const std::vector<std::string> units = TakeRecord(&text);
  std::vector<NcuLaunch> launches;
  while (!text.empty()) {
    const std::vector<std::string> cells = TakeRecord(&text);
    if (cells.size() != header.size() || units.size() != header.size()) continue;
    if (!IsNamed(cells[static_cast<size_t>(name_at)], kernels)) continue;
    NcuLaunch launch;
    launch.kernel = cells[static_cast<size_t>(name_at)];
    launch.kernel = launch.kernel.substr(0, launch.kernel.find('('));
    for (size_t i = 0; i < header.size(); ++i) {
      const auto value = NumberOf(cells[i]);
      if (!value || header[i].find("__") == std::string::npos) continue;
      launch.values[header[i]] = *value;
      launch.units[header[i]] = units[i];
    }
    launches.push_back(std::move(launch));
  }
  if (launches.empty()) {
    return Error{ErrorCode::kDataLoss,
                 "no launch of the candidate in the profiler's report: " + Said(all)};
  }
  return launches;
}

DeviceProfile ProfileFromCounters(const std::vector<NcuLaunch>& launches) {
  DeviceProfile profile;
  profile.source = "ncu";
  profile.bottleneck = "unknown";
  const auto longest = std::max_element(launches.begin(), launches.end(),
                                        [](const NcuLaunch& a, const NcuLaunch& b) {
                                          return ValueOf(a, kDuration) < ValueOf(b, kDuration);
                                        });
  if (longest == launches.end()) return profile;
  profile.kernel = longest->kernel;
  const double compute = ValueOf(*longest, kCompute), memory = ValueOf(*longest, kMemory);
  const double nearer = std::max(compute, memory);
  profile.roofline_fraction = std::clamp(nearer / 100, 0.0, 1.0);
  if (nearer > 0) {
    profile.bottleneck = nearer < kBusyPercent ? "latency"
                         : compute >= memory   ? "compute"
                                               : "memory";
  }
  for (const NcuCounter& counter : kCounters) {
    const auto found = longest->values.find(counter.metric);
    if (found == longest->values.end()) continue;
    profile.facts.push_back({counter.name, found->second, longest->units.at(counter.metric)});
  }
  if (launches.size() > 1) {
    double all = 0;
    for (const NcuLaunch& launch : launches) all += ValueOf(launch, kDuration);
    if (all > 0) {
      profile.facts.push_back(
          {"share of the call's launches", 100 * ValueOf(*longest, kDuration) / all, "%"});
    }
  }
  return profile;
}

}  // namespace ks
