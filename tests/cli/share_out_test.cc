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
  const std::vector<int> lanes = {0, 1, 2, 1};
  ShareOut(std::vector<SharedJob>(50), lanes,
           [&](size_t job, size_t lane) { log.Add(job, lanes[lane]); }, {});
  EXPECT_EQ(log.device_of.size(), 50u);
  for (const int device : {0, 2}) EXPECT_TRUE(std::ranges::is_sorted(log.order[device]));
}

TEST(ShareOut, LanesWorkAtOnceWithOneJobEach) {
  std::mutex mutex;
  std::condition_variable changed;
  std::set<size_t> busy;
  size_t most = 0;
  // The first job of each waits until the other has begun: with one at a time this would not end.
  ShareOut(std::vector<SharedJob>(2), {4, 4},
           [&](size_t, size_t lane) {
             std::unique_lock<std::mutex> lock(mutex);
             EXPECT_TRUE(busy.insert(lane).second);
             most = std::max(most, busy.size());
             changed.notify_all();
             changed.wait(lock, [&] { return most == 2; });
           },
           {});
  EXPECT_EQ(busy, (std::set<size_t>{0, 1}));
}

TEST(ShareOut, AJobOfADeviceWaitsForIt) {
  Log log;
  const std::vector<SharedJob> jobs = {{1}, {}, {1}, {0}, {}, {1}};
  const std::vector<int> lanes = {0, 1, 0};
  ShareOut(jobs, lanes, [&](size_t job, size_t lane) { log.Add(job, lanes[lane]); }, {});
  EXPECT_EQ(log.device_of.size(), jobs.size());
  for (const size_t job : {0, 2, 5}) EXPECT_EQ(log.device_of[job], 1);
  EXPECT_EQ(log.device_of[3], 0);
}

TEST(ShareOut, BeginsNothingAfterAStop) {
  Log log;
  std::stop_source stop;
  ShareOut(
      std::vector<SharedJob>(9), {0},
      [&](size_t job, size_t lane) {
        log.Add(job, static_cast<int>(lane));
        if (job == 2) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(log.order[0], (std::vector<size_t>{0, 1, 2}));
}

TEST(ShareOut, NoJobsAreDoneAtOnce) {
  ShareOut({}, {0, 1}, [](size_t, size_t) { FAIL(); }, {});
}

}  // namespace
}  // namespace ks
