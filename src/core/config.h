// The protocol of a run: every knob that can change its result, with defaults. Hashed into reports.
#ifndef KS_CORE_CONFIG_H_
#define KS_CORE_CONFIG_H_

#include <cstdint>
#include <string>

namespace ks {

struct SearchConfig {
  int islands = 3;
  int migration_interval = 25;        // steps between migrations on the ring
  double elite_probability = 0.70;    // parent = the island's best or a draw among elites by rank
  double uniform_probability = 0.20;  // parent = uniform over occupied cells; the rest: crowding
  double repair_probability = 0.05;   // parent = a recent failed candidate
  int inspirations = 3;
  int takeover_limit = 12;  // steps after which a lineage that holds every island is broken up
};

struct EvaluationConfig {
  int check_trials = 5;        // trials over the check workloads, with the distribution mix
  double confidence = 0.995;   // two-sided level of every interval
  double gain_margin = 0.01;   // a gain counts when its interval lies above 1 + margin
  double target_width = 0.01;  // stop when the relative half width of the ratio is below
  int min_pairs = 6;
  int max_pairs = 480;         // a bound for short kernels; long ones end at the budget
  double time_budget_s = 1.0;  // measuring budget of one evaluation, all workloads
  double compile_timeout_s = 20;
  double call_timeout_s = 10;  // one call of a candidate
  int64_t memory_limit_bytes = int64_t{4} << 30;
  int timed_output_checks = 2;  // timed calls per workload whose outputs are checked, at random
};

struct RunConfig {
  SearchConfig search;
  EvaluationConfig evaluation;
  uint64_t seed = 1;
  int jobs = 2;              // evaluations in flight: compile of the next overlaps timing
  int64_t max_steps = 0;     // 0: no limit
  double max_minutes = 0;    // 0: no limit
  double until_speedup = 0;  // 0: no limit
  std::string backend = "cpu";
  int device = 0;  // which of the backend's devices
  std::string proposer = "builtin";
};

}  // namespace ks

#endif  // KS_CORE_CONFIG_H_
