// What became of one candidate: a closed set of results, each with its own fields.
#ifndef KS_CORE_OUTCOME_H_
#define KS_CORE_OUTCOME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ks {

// 0 is the seed of a run; later candidates count up in the order of proposal. Printed as "c12".
using CandidateId = int64_t;
inline constexpr CandidateId kNoCandidate = -1;
std::string CandidateName(CandidateId id);

// A ratio with its confidence interval: low <= mid <= high. 1 = as fast as the other side.
struct Interval {
  double low = 0;
  double mid = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

// One compiler message, positions 1-based; 0 = unknown.
struct Diagnostic {
  std::string severity;  // "error", "warning"
  int line = 0;
  int column = 0;
  std::string message;
};

// Timing of one `time` workload, candidate side, from interleaved pairs.
struct WorkloadTiming {
  std::string workload;
  double median_ns = 0;
  double p99_ns = 0;
  double cv = 0;  // standard deviation / mean after robust trimming
  int pairs = 0;
  Interval gain;  // parent time / candidate time, paired
  double parent_median_ns = 0;
  double gflops = 0;  // 0: the task does not say
  double gbytes_per_s = 0;
  double roofline_fraction = 0;           // 0..1 of the machine's measured ceiling; 0 unknown
  std::vector<double> samples_ns;         // candidate, in order (at most 200)
  std::vector<double> parent_samples_ns;  // the paired parent samples
};

struct Measured {
  std::vector<WorkloadTiming> timings;
  Interval speedup;  // baseline time / candidate time; geometric mean over time workloads
  Interval gain;     // parent time / candidate time; geometric mean over time workloads
  bool gain_significant = false;
  bool confirmed = false;  // re-measured directly against the baseline in a fresh process
  std::string bottleneck;  // "compute", "memory", "latency", "unknown"
};
struct CompileFailed {
  std::vector<Diagnostic> diagnostics;
  std::string log;  // at most 8 KiB
};
struct LaunchFailed {
  std::string reason;
};
struct WrongResult {
  std::string workload;
  std::string output;
  int64_t index = -1;
  double got = 0;
  double want = 0;
  double allowed = 0;
  int64_t mismatches = 0;
  int64_t elements = 0;
  double max_error = 0;
  bool in_timed_call = false;
};
struct Nondeterministic {
  std::string workload;
  std::string output;
  int64_t index = -1;
  double first = 0;
  double second = 0;
};
struct OutOfBounds {
  std::string workload;
  std::string buffer;
  std::string
      access;  // "write past end", "write before start", "write to input", "read or write past end"
};
struct Crashed {
  std::string workload;
  int signal = 0;
  std::string detail;
};
struct TimedOut {
  std::string stage;  // "compile", "check", "time"
  double limit_s = 0;
};
struct OutOfMemory {
  std::string stage;
  double requested_bytes = 0;  // 0 unknown
};
// Caught cheating or breaking the rules. `rule` is one of docs/measurement.md's rule names.
struct Rejected {
  std::string rule;
  std::string evidence;
};
struct DuplicateOf {
  CandidateId id = kNoCandidate;
};

using Outcome = std::variant<Measured, CompileFailed, LaunchFailed, WrongResult, Nondeterministic,
                             OutOfBounds, Crashed, TimedOut, OutOfMemory, Rejected, DuplicateOf>;

// "measured", "compile_failed", ... : the stable name used in JSON, tables and the store.
const char* OutcomeName(const Outcome& outcome);
// All names, in variant order.
std::vector<std::string> OutcomeNames();
// One line for people, without control characters: "wrong result: c[17] = 3.2, want 3.1 (workload
// m=7)".
std::string OutcomeSummary(const Outcome& outcome);
inline const Measured* AsMeasured(const Outcome& outcome) {
  return std::get_if<Measured>(&outcome);
}

}  // namespace ks

#endif  // KS_CORE_OUTCOME_H_
