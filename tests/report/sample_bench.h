// A benchmark of 60 modules at three levels, made without running anything.
#ifndef KS_TESTS_REPORT_SAMPLE_BENCH_H_
#define KS_TESTS_REPORT_SAMPLE_BENCH_H_

#include "report/bench.h"

namespace ks::testing {

// Deterministic. `hostile`: names and reasons carry HTML and escape sequences.
BenchInput MakeSampleBench(bool hostile = false);

}  // namespace ks::testing

#endif  // KS_TESTS_REPORT_SAMPLE_BENCH_H_
