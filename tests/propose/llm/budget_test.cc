#include "propose/llm/budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace ks {
namespace {

TEST(Budget, WithoutLimitsOnlyCounts) {
  Budget budget({});
  ASSERT_TRUE(budget.Reserve({1e9, 1'000'000'000, 1}, {}).ok());
  budget.Settle({1e9, 1'000'000'000, 1}, {0.5, 10, 1});
  EXPECT_EQ(budget.spent(), (Spending{0.5, 10, 1}));
}

TEST(Budget, RefusesWhatCouldPassALimitAndSaysWhich) {
  Budget usd({1, 0, 0}, {0.95, 5, 2});
  EXPECT_TRUE(usd.Reserve({0.05, 100, 1}, {}).ok());
  Budget tokens({0, 100, 0}, {0, 90, 0});
  const Status refused = tokens.Reserve({0, 11, 1}, {});
  EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
  EXPECT_NE(refused.error().message.find("budget_tokens"), std::string::npos);
  Budget calls({0, 0, 2}, {0, 0, 2});
  EXPECT_NE(calls.Reserve({0, 0, 1}, {}).error().message.find("budget_calls"), std::string::npos);
}

TEST(Budget, WaitsForRoomThatRequestsInFlightMayLeave) {
  Budget budget({1, 0, 0});
  ASSERT_TRUE(budget.Reserve({0.9, 0, 1}, {}).ok());
  std::jthread waiting([&] {
    EXPECT_TRUE(budget.Reserve({0.5, 0, 1}, {}).ok());
    budget.Settle({0.5, 0, 1}, {0.4, 0, 1});
  });
  budget.Settle({0.9, 0, 1}, {0.1, 0, 1});
  waiting.join();
  EXPECT_NEAR(budget.spent().usd, 0.5, 1e-12);
}

TEST(Budget, AStopEndsTheWait) {
  Budget budget({1, 0, 0});
  ASSERT_TRUE(budget.Reserve({0.9, 0, 1}, {}).ok());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(budget.Reserve({0.5, 0, 1}, stop.get_token()).error().code, ErrorCode::kCancelled);
}

TEST(Budget, IsNeverPassedByManyAtOnce) {
  Budget budget({0, 0, 50});
  std::atomic<int> refused = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 10; ++k) {
          if (budget.Reserve({0, 0, 1}, {}).ok()) {
            budget.Settle({0, 0, 1}, {0, 0, 1});
          } else {
            ++refused;
          }
        }
      });
    }
  }
  EXPECT_EQ(budget.spent().calls, 50);
  EXPECT_EQ(refused, 30);
}

}  // namespace
}  // namespace ks
