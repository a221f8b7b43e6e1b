#include "base/clock.h"

#include <gtest/gtest.h>

namespace ks {
namespace {

TEST(FormatUtc, IsIso8601WithoutFractions) {
  EXPECT_EQ(FormatUtc(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatUtc(1'795'217'175'999), "2026-11-20T23:26:15Z");
  EXPECT_EQ(FormatUtc(951'782'400'000), "2000-02-29T00:00:00Z");
}

TEST(FormatUtc, AnyStoredNumberGivesSomeText) {
  for (const int64_t ms : {INT64_MIN, int64_t{-1}, INT64_MAX}) {
    EXPECT_FALSE(FormatUtc(ms).empty()) << ms;
  }
}

TEST(SystemClock, MonotonicTimeDoesNotGoBack) {
  const SystemClock clock;
  int64_t last = clock.MonotonicNs();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = clock.MonotonicNs();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(FakeClock, AWallClockSetBackLeavesMonotonicTimeAlone) {
  FakeClock clock;
  const int64_t monotonic = clock.MonotonicNs();
  const int64_t wall = clock.UnixMs();
  clock.AdvanceMs(5);
  clock.JumpWallMs(-3'600'000);
  EXPECT_EQ(clock.MonotonicNs() - monotonic, 5'000'000);
  EXPECT_EQ(clock.UnixMs() - wall, 5 - 3'600'000);
}

}  // namespace
}  // namespace ks
