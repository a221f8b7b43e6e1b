// What `ksmith bench` has to do: which searches, under which protocol, where.
#ifndef KS_CLI_BENCH_PLAN_H_
#define KS_CLI_BENCH_PLAN_H_

#include <string>
#include <vector>

#include "cli/bench_suite.h"
#include "cli/options.h"
#include "core/config.h"

namespace ks {

struct PlannedTask {
  SuiteTask task;
  EvolveOptions options;  // a new run in its own folder; the device is filled in later
};

struct BenchPlan {
  BenchSuite suite;
  std::string protocol;
  RunConfig config;         // of every search, but for seed and device
  std::string config_hash;  // of it
  int64_t rounds = 0;
  std::string budget;                   // "40 rounds"
  int trials = 0;                       // of the final answer
  std::vector<std::string> deviations;  // from the protocol as published
  // The device of each search at a time. With a service, which has devices of its own: numbers of
  // the searches.
  std::vector<int> lanes;
  std::vector<PlannedTask> tasks;  // as in the suite
};

// Seeds derive from the names of the tasks, so that a task is searched alike in every suite and on
// every device. ERRORS: kInvalidArgument (a protocol, a configuration, devices that do not go
// together); those of ReadSuite.
Result<BenchPlan> PlanBenchmark(const BenchOptions& options);

// What may not change while a folder is filled, as JSON; `earlier`: the folder's, or empty.
// ERRORS: kDataLoss (not of a benchmark), kFailedPrecondition (what differs).
Result<std::string> BenchProtocolOf(const BenchPlan& plan, const std::string& earlier);

}  // namespace ks

#endif  // KS_CLI_BENCH_PLAN_H_
