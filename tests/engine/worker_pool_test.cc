#include "engine/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <vector>

namespace ks {
namespace {

TEST(EnginePool, RunsInOrderWhetherItsThreadSleepsOrLooks) {
  std::vector<int> ran;
  std::atomic<int> count = 0;
  {
    EnginePool pool(1);
    for (int i = 0; i < 300; ++i) {
      pool.Submit([&, i](const std::stop_token&) {
        ran.push_back(i);
        ++count;
      });
      if (i % 3 == 0) pool.Hurry();
      if (i % 30 != 0) continue;
      while (count <= i) std::this_thread::yield();  // nobody hurries it
    }
    pool.Hurry();
    while (count < 300) std::this_thread::yield();
  }
  ASSERT_EQ(ran.size(), 300u);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(ran[static_cast<size_t>(i)], i);
}

TEST(EnginePool, AsManyPiecesRunAtOnceAsThereAreThreads) {
  std::atomic<int> running = 0;
  EnginePool pool(3);
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 3; ++i) {
      pool.Submit([&, round](const std::stop_token&) {
        ++running;
        while (running < 3 * round) std::this_thread::yield();
      });
    }
    while (running < 3 * round) std::this_thread::yield();
  }
}

TEST(EnginePool, ThreadsThatWereRousedRunWhatComesAndSleepAgain) {
  EnginePool nobody(0);
  nobody.Rouse();
  std::atomic<int> count = 0;
  EnginePool pool(3);
  for (int round = 1; round <= 20; ++round) {
    pool.Rouse();
    pool.Rouse();
    if (round % 5 == 0) std::this_thread::sleep_for(2 * EnginePool::kMoment);
    pool.Submit([&](const std::stop_token&) { ++count; });
    while (count < round) std::this_thread::yield();
  }
}

}  // namespace
}  // namespace ks
