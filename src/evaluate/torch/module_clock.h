// Do the times that a candidate's process takes agree with the clock of this process? Pure.
#ifndef KS_EVALUATE_TORCH_MODULE_CLOCK_H_
#define KS_EVALUATE_TORCH_MODULE_CLOCK_H_

#include <optional>
#include <span>
#include <string>

#include "core/evaluation.h"
#include "core/outcome.h"

namespace ks {

// One run of several calls.
struct ModuleRun {
  int calls = 0;
  // The median call, by marks that the harness sets in the candidate's process.
  double inside_ns = 0;
  // All, by the trusted side's clock: so many times the median call, from "go" to "done", and what
  // ChargeExcess adds.
  double wall_ns = 0;
  // The medians of what the trusted side took before a call to write inputs and flush caches, and
  // after it to copy the outputs.
  double ready_ns = 0;
  double kept_ns = 0;
};

// What the trusted side takes longer around calls than around those without a module (median of
// `empty`) belongs to the call: it was begun before "go", or "done" was said too early. Adds it to
// wall_ns. Once for each run.
void ChargeExcess(std::span<ModuleRun> runs, std::span<const ModuleRun> empty);

// Inside, a call may look shorter than outside by this much: what lies between the marks and the
// empty run (Python's call of the module), and noise.
inline constexpr double kClockShare = 0.05;
inline constexpr double kClockNs = 5e3;

// Outside, a call takes what the shortest run took over the shortest of `empty` (as many calls
// without a module), so that a busy machine, which only ever adds time, shows little.
// "timer_tampered" when the marks of that run claim less, by more than the above and three times
// what the empty runs differ by; or when some run claims more than it lasted. Empty below 3 runs on
// each side.
std::optional<Rejected> CheckModuleClock(std::span<const ModuleRun> runs,
                                         std::span<const ModuleRun> empty);

// What the trusted side takes at least to get ready for a call, of all runs; 0: there are none.
double RestNs(std::span<const ModuleRun> runs);
// "timer_tampered" where it takes much longer than `usual_ns` (of RestNs, at some time before or by
// another side) although nobody else should be at work: something was left on the device.
// `usual_ns` 0: not known. Empty below 3 runs.
std::optional<Rejected> CheckModuleRest(std::span<const ModuleRun> runs, double usual_ns);

// `gain` (rival's time over the candidate's, by the marks) within what the clock outside saw. What
// the marks say a call saves must be what neighbouring runs of both sides differ by outside: what
// it does not see of it is added to the candidate's time, which is at least what it took outside
// beyond a run without a module. The low end takes the bad ends of the intervals at `confidence`,
// the middle their middles and kClockShare. Both are less by what getting ready took longer for the
// rival's calls, where that is beyond noise: then something loads the device while the rival runs.
// So marks that lie gain nothing, however busy the machine is. At most 1 below 3 pairs or without
// empty runs. REQUIRES: the same number of calls in every run; the i-th runs of both sides were
// neighbours.
Interval WithinClock(const Interval& gain, std::span<const ModuleRun> rival,
                     std::span<const ModuleRun> candidate, std::span<const ModuleRun> empty,
                     double confidence);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_CLOCK_H_
