#include "core/outcome.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/core/sample_events.h"

namespace ks {
namespace {

TEST(OutcomeName, IsTheStableNameOfEachKind) {
  std::vector<std::string> names;
  for (const Outcome& outcome : SampleOutcomes()) names.emplace_back(OutcomeName(outcome));
  EXPECT_EQ(names,
            (std::vector<std::string>{"measured", "compile_failed", "launch_failed", "wrong_result",
                                      "nondeterministic", "out_of_bounds", "crashed", "timed_out",
                                      "out_of_memory", "rejected", "duplicate"}));
  EXPECT_EQ(OutcomeNames(), names);
}

TEST(OutcomeSummary, SaysWhatHappened) {
  std::vector<std::string> lines;
  for (const Outcome& outcome : SampleOutcomes()) lines.push_back(OutcomeSummary(outcome));
  EXPECT_EQ(lines[0], "4.00x [3.90, 4.10] over the baseline, 1.250x over the parent");
  EXPECT_EQ(lines[1], "does not compile: line 12: 'x' was not declared");
  EXPECT_EQ(lines[2], "cannot be loaded: symbol 'kernel' is missing");
  EXPECT_EQ(lines[3],
            "wrong result in a timed call: c[17] = nan, want 3.1 +- 1e-05 (3 of 49 elements, "
            "workload m=7)");
  EXPECT_EQ(lines[4], "not deterministic: c[4] was -inf, then -0 (workload m=7)");
  EXPECT_EQ(lines[5], "out of bounds: write past end of c (workload m=7)");
  EXPECT_EQ(lines[6], "crashed with signal 11 address 0x0 (workload m=7)");
  EXPECT_EQ(lines[7], "timed out: check took more than 10.5 s");
  EXPECT_EQ(lines[8], "out of memory in check: asked for 100 GiB");
  EXPECT_EQ(lines[9], "rejected by rule timer: claimed 1 ns, the parent saw 2 ms");
  EXPECT_EQ(lines[10], "compiles to the same code as c3");
}

TEST(OutcomeSummary, OfACompileFailureIsTheFirstErrorNotAWarning) {
  const CompileFailed failed{
      .diagnostics = {{"warning", 1, 1, "unused"}, {"error", 7, 2, "expected ';'"}}, .log = "log"};
  EXPECT_EQ(OutcomeSummary(failed), "does not compile: line 7: expected ';'");
  EXPECT_EQ(OutcomeSummary(CompileFailed{.log = "no space left"}),
            "does not compile: no space left");
}

TEST(OutcomeSummary, IsOneLineThatCannotControlTheTerminal) {
  const std::string hostile = "a\nb\x1b[2J\r\x7f\x01";
  for (const Outcome& outcome :
       {Outcome(CompileFailed{.log = hostile}), Outcome(LaunchFailed{hostile}),
        Outcome(Crashed{.detail = hostile}), Outcome(Rejected{.rule = "r", .evidence = hostile})}) {
    const std::string line = OutcomeSummary(outcome);
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
    })) << line;
  }
  EXPECT_NE(OutcomeSummary(LaunchFailed{"gr\xC3\xBC\xC3\x9F"}).find("gr\xC3\xBC\xC3\x9F"),
            std::string::npos);
}

TEST(CandidateName, IsShortAndHasAMarkForNobody) {
  EXPECT_EQ(CandidateName(0), "c0");
  EXPECT_EQ(CandidateName(12), "c12");
  EXPECT_EQ(CandidateName(kNoCandidate), "-");
}

}  // namespace
}  // namespace ks
