// One event of each kind and one evaluation of each outcome, every field filled with a value that
// differs from its default. The golden file of the event format is made of these.
#ifndef KS_TESTS_CORE_SAMPLE_EVENTS_H_
#define KS_TESTS_CORE_SAMPLE_EVENTS_H_

#include <cmath>
#include <vector>

#include "core/event.h"

namespace ks {

inline WorkloadTiming SampleTiming() {
  return {.workload = "m=512 n=512 k=512",
          .median_ns = 2.1e6,
          .p99_ns = 2.25e6,
          .cv = 0.0123,
          .pairs = 24,
          .gain = {1.2, 1.25, 1.3},
          .parent_median_ns = 2.6e6,
          .gflops = 127.8,
          .gbytes_per_s = 1.5,
          .roofline_fraction = 0.93,
          .samples_ns = {2.1e6, 2.0999999999999996e6, 2.11e6},
          .parent_samples_ns = {2.6e6, 2.61e6, 2.59e6}};
}

inline std::vector<Outcome> SampleOutcomes() {
  return {
      Measured{.timings = {SampleTiming()},
               .speedup = {3.9, 4.0, 4.1},
               .gain = {1.2, 1.25, 1.3},
               .gain_significant = true,
               .confirmed = true,
               .bottleneck = "compute"},
      CompileFailed{.diagnostics = {{"error", 12, 5, "'x' was not declared"}}, .log = "kernel.cc"},
      LaunchFailed{.reason = "symbol 'kernel' is missing"},
      WrongResult{.workload = "m=7",
                  .output = "c",
                  .index = 17,
                  .got = NAN,
                  .want = 3.1,
                  .allowed = 1e-5,
                  .mismatches = 3,
                  .elements = 49,
                  .max_error = HUGE_VAL,
                  .in_timed_call = true},
      Nondeterministic{
          .workload = "m=7", .output = "c", .index = 4, .first = -HUGE_VAL, .second = -0.0},
      OutOfBounds{.workload = "m=7", .buffer = "c", .access = "write past end"},
      Crashed{.workload = "m=7", .signal = 11, .detail = "address 0x0"},
      TimedOut{.stage = "check", .limit_s = 10.5},
      OutOfMemory{.stage = "check", .requested_bytes = 107374182400.0},
      Rejected{.rule = "timer", .evidence = "claimed 1 ns, the parent saw 2 ms"},
      DuplicateOf{.id = 3},
  };
}

inline Evaluation SampleEvaluation(Outcome outcome) {
  return {.outcome = std::move(outcome),
          .features = {.vector_bits = 256,
                       .loop_depth = 3,
                       .loop_count = 5,
                       .uses_fma = true,
                       .uses_gather = true,
                       .uses_nontemporal = true,
                       .uses_prefetch = true,
                       .uses_threads = true,
                       .uses_scratch = true,
                       .accumulators = 12,
                       .calls_in_loops = 2,
                       .code_bytes = 1843,
                       .static_bytes = 4096},
          .binary_hash = "5e884898da280471",
          .compiler = "g++ 12.2.0",
          .flags = "-O3 -march=x86-64-v3",
          .warnings = {{"warning", 3, 9, "unused variable \xE2\x80\x98i\xE2\x80\x99"}},
          .seconds = {.compile = 0.8, .check = 0.1, .time = 0.5, .queue = 0.05},
          .held_out = {SampleTiming()}};
}

inline std::vector<Event> SampleEvents() {
  std::vector<Event> events;
  const auto add = [&](auto body) {
    const auto n = static_cast<int64_t>(events.size()) + 1;
    events.push_back({n, 1'700'000'000'000 + 250 * n, 0.25 * static_cast<double>(n), body});
  };
  add(RunStarted{.run_id = "20231114-221320-matmul-7",
                 .task = "matmul",
                 .task_hash = "a1b2",
                 .backend = "cpu",
                 .proposer = "builtin",
                 .seed = 0xFFFFFFFFFFFFFFFFu,
                 .jobs = 2,
                 .config_json = R"({"seed":7})",
                 .config_hash = "c3d4",
                 .version = "0.1.0",
                 .machine = {.cpu = "A CPU",
                             .cores = 2,
                             .l1d_bytes = 32768,
                             .l2_bytes = 524288,
                             .l3_bytes = 33554432,
                             .memory_bytes = int64_t{8} << 30,
                             .vector_bits = 256,
                             .has_fma = true,
                             .isa = {"avx2", "fma"},
                             .march_options = {"x86-64-v3", "x86-64"},
                             .compilers = {"g++ 12.2.0"},
                             .kernel = "Linux 6.1",
                             .peak_gflops_f32 = 113.5,
                             .copy_gbytes_per_s = 11.25,
                             .id = "9f86d081"}});
  CandidateId id = 0;
  for (const Outcome& outcome : SampleOutcomes()) {
    CandidateProposed proposed{.id = id,
                               .step = id + 1,
                               .parent = id - 1,
                               .inspirations = {},
                               .island = 1,
                               .generation = static_cast<int>(id),
                               .skill = "tile",
                               .rationale = "Tile i and j by 64: \"c\" stays in L1.\n",
                               .source_hash = "e5f6",
                               .propose_seconds = 0.001};
    for (CandidateId other = 0; other + 1 < id; ++other) proposed.inspirations.push_back(other);
    add(proposed);
    add(CandidateEvaluated{.id = id, .evaluation = SampleEvaluation(outcome)});
    if (id == 0) add(BaselineChosen{.id = 0});
    ++id;
  }
  add(RunStopped{.reason = "interrupted"});
  add(RunResumed{.version = "0.1.1"});
  return events;
}

}  // namespace ks

#endif  // KS_TESTS_CORE_SAMPLE_EVENTS_H_
