#include "cli/share_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

namespace ks {
namespace {

// What was called where. Thread-safe.
struct Log {
  std::mutex mutex;
  std::map<size_t, int> device_of;
  std::map<int, std::vector<size_t>> order;
  void Add(size_t job, int device) {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_TRUE(device_of.emplace(job, device).second) << "done twice: " << job;
    order[device].push_back(job);
  }
};

TEST(ShareOut, DoesEveryJobOnceInOrder) {
  Log log;
  ShareOut(std::vector<SharedJob>(50), {0, 1, 2},
           [&](size_t job, int device) { log.Add(job, device); }, {});
  EXPECT_EQ(log.device_of.size(), 50u);
  for (const auto& [device, jobs] : log.order) EXPECT_TRUE(std::ranges::is_sorted(jobs));
}

TEST(ShareOut, DevicesWorkAtOnceWithOneJobEach) {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<int> busy;
  size_t most = 0;
  // The first job of each waits until the other has begun: with one at a time this would not end.
  ShareOut(std::vector<SharedJob>(2), {4, 7},
           [&](size_t, int device) {
             std::unique_lock<std::mutex> lock(mutex);
             EXPECT_TRUE(busy.insert(device).second);
             most = std::max(most, busy.size());
             changed.notify_all();
             changed.wait(lock, [&] { return most == 2; });
           },
           {});
  EXPECT_EQ(busy, (std::set<int>{4, 7}));
}

TEST(ShareOut, AJobOfADeviceWaitsForIt) {
  Log log;
  const std::vector<SharedJob> jobs = {{1}, {}, {1}, {0}, {}, {1}};
  ShareOut(jobs, {0, 1}, [&](size_t job, int device) { log.Add(job, device); }, {});
  EXPECT_EQ(log.device_of.size(), jobs.size());
  for (const size_t job : {0, 2, 5}) EXPECT_EQ(log.device_of[job], 1);
  EXPECT_EQ(log.device_of[3], 0);
}

TEST(ShareOut, BeginsNothingAfterAStop) {
  Log log;
  std::stop_source stop;
  ShareOut(
      std::vector<SharedJob>(9), {0},
      [&](size_t job, int device) {
        log.Add(job, device);
        if (job == 2) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(log.order[0], (std::vector<size_t>{0, 1, 2}));
}

TEST(ShareOut, NoJobsAreDoneAtOnce) {
  ShareOut({}, {0, 1}, [](size_t, int) { FAIL(); }, {});
}

}  // namespace
}  // namespace ks
