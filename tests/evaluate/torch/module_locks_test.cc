#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

#include "evaluate/torch/fair_mutex.h"
#include "evaluate/torch/quiet_gate.h"

namespace ks {
namespace {

using namespace std::chrono_literals;

TEST(QuietGate, ManyShareOrOneIsAlone) {
  QuietGate gate;
  std::atomic<int> inside{0}, most{0};
  std::atomic<bool> together_with_quiet{false};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        const std::shared_lock busy(gate);
        const int now = ++inside;
        if (now > most) most = now;
        std::this_thread::sleep_for(100us);
        --inside;
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        const std::unique_lock quiet(gate);
        if (++inside != 1) together_with_quiet = true;
        std::this_thread::sleep_for(100us);
        --inside;
      }
    });
  }
  threads.clear();  // joins
  EXPECT_FALSE(together_with_quiet);
  EXPECT_GT(most, 1);
}

TEST(QuietGate, WhoWantsQuietIsNotStarved) {
  QuietGate gate;
  std::atomic<bool> stop{false};
  std::vector<std::jthread> sharers;
  for (int i = 0; i < 3; ++i) {
    sharers.emplace_back([&] {
      while (!stop) {
        const std::shared_lock busy(gate);
        std::this_thread::sleep_for(2ms);
      }
    });
  }
  std::this_thread::sleep_for(10ms);
  for (int i = 0; i < 5; ++i) const std::unique_lock quiet(gate);  // or the test never ends
  stop = true;
}

TEST(FairMutex, ServesInTheOrderOfAsking) {
  FairMutex mutex;
  std::atomic<int> asks{-1};
  std::vector<int> order;
  std::vector<std::jthread> threads;
  mutex.lock();
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&, i] {
      asks = i;
      const std::unique_lock lock(mutex);
      order.push_back(i);
    });
    while (asks != i) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(50ms);  // it is a few instructions away from the lock
  }
  mutex.unlock();
  threads.clear();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace ks
