#include "measure/clock_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

namespace ks {
namespace {

using Calls = std::vector<CallClock>;

// Nearly the median of many calls, the least of 3: two late wake-ups in 3 calls do happen.
constexpr double kFastestQuantile = 0.45;

// The order statistic at `quantile` of value(call), rounded down.
template <typename F>
double QuantileOf(const Calls& calls, double quantile, F value) {
  std::vector<double> values;
  values.reserve(calls.size());
  for (const CallClock& call : calls) values.push_back(value(call));
  const auto index = static_cast<std::ptrdiff_t>(static_cast<double>(calls.size() - 1) * quantile);
  std::nth_element(values.begin(), values.begin() + index, values.end());
  return values[static_cast<size_t>(index)];
}

// The quarter of the calls with the smallest inside_ns, at least 3.
Calls FastestQuarter(Calls calls) {
  std::sort(calls.begin(), calls.end(),
            [](const CallClock& a, const CallClock& b) { return a.inside_ns < b.inside_ns; });
  calls.resize(std::min(calls.size(), std::max<size_t>(3, calls.size() / 4)));
  return calls;
}

std::optional<Rejected> CheckNesting(const Calls& calls, const ClockTolerance& tolerance) {
  for (size_t i = 0; i < calls.size(); ++i) {
    const double allowed = calls[i].wall_ns * (1 + tolerance.nesting_share) + tolerance.nesting_ns;
    if (calls[i].inside_ns >= 0 && calls[i].inside_ns <= allowed) continue;
    return Rejected{"clock_exceeds_wall",
                    fmt::format("call {} claims {}, the parent's clock saw {}", i,
                                FormatNs(calls[i].inside_ns), FormatNs(calls[i].wall_ns))};
  }
  return std::nullopt;
}

struct ExcessRule {
  const char* name;
  const char* what;
  double share;     // of the median inside_ns
  double floor_ns;  // or this, whichever is larger
  double quantile;  // of the excess that is judged
};

// Rejects when excess(call) at the rule's quantile is larger than the rule allows.
template <typename F>
std::optional<Rejected> CheckExcess(const Calls& calls, const ExcessRule& rule, F excess) {
  const double inside = QuantileOf(calls, 0.5, [](const CallClock& c) { return c.inside_ns; });
  const double found = QuantileOf(calls, rule.quantile, excess);
  const double allowed = std::max(rule.share * inside, rule.floor_ns);
  if (found <= allowed) return std::nullopt;
  return Rejected{
      rule.name,
      fmt::format("{} exceeds the claimed time of {} a call by {} (allowed {}; {} calls)",
                  rule.what, FormatNs(inside), FormatNs(found), FormatNs(allowed), calls.size())};
}

std::optional<Rejected> CheckCpu(const Calls& calls, const ClockTolerance& tolerance,
                                 double quantile) {
  return CheckExcess(
      calls, {"clock_hides_cpu", "CPU time", tolerance.cpu_share, tolerance.cpu_ns, quantile},
      [](const CallClock& c) { return c.cpu_ns - c.inside_ns; });
}

std::optional<Rejected> CheckWaiting(const Calls& calls, const ClockTolerance& tolerance,
                                     double quantile) {
  return CheckExcess(
      calls,
      {"clock_hides_waiting", "wall time", tolerance.wait_share, tolerance.wait_ns, quantile},
      [](const CallClock& c) { return c.wall_ns - c.inside_ns; });
}

std::optional<Rejected> CheckBetween(const ClockRecord& record, const ClockTolerance& tolerance) {
  double inside = 0, cpu = 0;
  for (const CallClock& call : record.calls) {
    inside += call.inside_ns;
    cpu += call.cpu_ns;
  }
  const auto calls = static_cast<double>(record.calls.size());
  const double between = record.total_cpu_ns - record.harness_cpu_ns - cpu;
  const double allowed =
      tolerance.outside_share * inside + tolerance.outside_ns * calls + tolerance.outside_total_ns;
  if (between <= allowed) return std::nullopt;
  return Rejected{
      "clock_cpu_between",
      fmt::format("{} of CPU time was used between {} calls that took {} (allowed {})",
                  FormatNs(between), record.calls.size(), FormatNs(inside), FormatNs(allowed))};
}

}  // namespace

std::optional<Rejected> CheckClocks(const ClockRecord& record, const ClockTolerance& tolerance) {
  if (record.calls.size() < 3) return std::nullopt;
  const Calls all(record.calls.begin(), record.calls.end());
  if (auto rejected = CheckNesting(all, tolerance)) return rejected;
  const Calls fastest = FastestQuarter(all);
  if (record.single_threaded) {
    if (auto rejected = CheckCpu(all, tolerance, 0.5)) return rejected;
    if (auto rejected = CheckCpu(fastest, tolerance, kFastestQuantile)) return rejected;
  }
  if (auto rejected = CheckBetween(record, tolerance)) return rejected;
  if (auto rejected = CheckWaiting(all, tolerance, 0.5)) return rejected;
  return CheckWaiting(fastest, tolerance, kFastestQuantile);
}

}  // namespace ks
