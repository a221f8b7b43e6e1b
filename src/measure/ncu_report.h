// What NVIDIA's profiler says of a kernel: the counters that are asked for, its CSV report, and the
// bottleneck that they show. Pure functions.
#ifndef KS_MEASURE_NCU_REPORT_H_
#define KS_MEASURE_NCU_REPORT_H_

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/evaluation.h"

namespace ks {

// One counter: ncu's name, and ours in profiles.
struct NcuCounter {
  const char* metric;
  const char* name;
};
// All that are asked for: the one list.
std::span<const NcuCounter> NcuCounters();
// As `ncu --metrics` takes them.
std::string NcuMetricList();

// One profiled launch.
struct NcuLaunch {
  std::string kernel;
  std::map<std::string, double> values;      // by ncu's names
  std::map<std::string, std::string> units;  // likewise
};

// Reads the output of `ncu --csv --page raw --print-units base`: lines of the profiler itself
// ("==PROF== ...") and of the program may surround the table. Launches of other kernels than those
// named are left out; a kernel's name may carry its parameters. ERRORS: kDataLoss without a table
// or without such a launch, with what the profiler said.
Result<std::vector<NcuLaunch>> ParseNcuReport(std::string_view text,
                                              const std::vector<std::string>& kernels);

// Of the launch that takes longest. "latency": both below kBusyPercent of what the device sustains.
inline constexpr double kBusyPercent = 60;
DeviceProfile ProfileFromCounters(const std::vector<NcuLaunch>& launches);

}  // namespace ks

#endif  // KS_MEASURE_NCU_REPORT_H_
