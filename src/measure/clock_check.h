// Judges whether the times that a candidate's process reports are honest, from clocks that the
// candidate cannot reach. Pure function; numbers only.
//
// The runner times a call inside the candidate's process, where hostile code could tamper with it.
// The parent sees the same call from outside: its own clock, and the CPU time that the kernel
// accounts to the process. Every rule compares robust figures, so that preemption and slow wake-ups
// on a loaded machine never trip it.
#ifndef KS_MEASURE_CLOCK_CHECK_H_
#define KS_MEASURE_CLOCK_CHECK_H_

#include <optional>
#include <span>

#include "core/outcome.h"

namespace ks {

// One timed call, nanoseconds.
struct CallClock {
  double inside_ns = 0;  // reported by the runner in the candidate's process
  double wall_ns = 0;    // parent's clock, from sending the request to seeing the answer
  double cpu_ns = 0;     // CPU time of the candidate's process (all its threads) in that window
};

struct ClockRecord {
  std::span<const CallClock> calls;
  double total_cpu_ns = 0;  // CPU time of the process from the first call's begin to the last's end
  double harness_cpu_ns = 0;  // of it: the runner's own work between calls (poison, hashes, flush)
  bool single_threaded = true;
};

struct ClockTolerance {
  double nesting_share = 0.01, nesting_ns = 20e3;
  double cpu_share = 0.10, cpu_ns = 15e3;          // a call
  double outside_share = 0.10, outside_ns = 50e3;  // a call
  double outside_total_ns = 2e6;                   // once
  double wait_share = 1.0, wait_ns = 10e6;         // median call
};

// Nothing when the clocks agree or there are fewer than 3 calls. Rules, in this order:
//   clock_exceeds_wall  some inside_ns is longer than its wall_ns;
//   clock_hides_cpu     single-threaded only: the process used more CPU in a call than the call
//                       claims to have taken, in the median of all calls or of the fastest quarter
//                       (those which decide the speed);
//   clock_cpu_between   CPU was used between the calls (work prepared or finished off the clock);
//   clock_hides_waiting the wall clock exceeds inside_ns by more than any wake-up, in the median of
//                       all calls or of the fastest quarter.
// Non-finite or negative inside_ns is clock_exceeds_wall too.
std::optional<Rejected> CheckClocks(const ClockRecord& record,
                                    const ClockTolerance& tolerance = {});

}  // namespace ks

#endif  // KS_MEASURE_CLOCK_CHECK_H_
