#include "cli/share_out.h"

#include <mutex>
#include <thread>

namespace ks {
namespace {

// What is still to be done. Thread-safe.
class JobList {
 public:
  explicit JobList(const std::vector<SharedJob>& jobs) : jobs_(jobs), taken_(jobs.size(), false) {}

  // The first that this device may do, or nothing.
  std::optional<size_t> Take(int device) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < jobs_.size(); ++i) {
      if (taken_[i] || jobs_[i].device.value_or(device) != device) continue;
      taken_[i] = true;
      return i;
    }
    return std::nullopt;
  }

 private:
  const std::vector<SharedJob>& jobs_;
  std::mutex mutex_;
  std::vector<bool> taken_;  // guarded by mutex_
};

}  // namespace

void ShareOut(const std::vector<SharedJob>& jobs, const std::vector<int>& lanes,
              const std::function<void(size_t job, size_t lane)>& work, std::stop_token stop) {
  JobList list(jobs);
  std::vector<std::jthread> threads;
  threads.reserve(lanes.size());
  for (size_t lane = 0; lane < lanes.size(); ++lane) {
    threads.emplace_back([&list, &work, &stop, lane, device = lanes[lane]] {
      while (!stop.stop_requested()) {
        const std::optional<size_t> job = list.Take(device);
        if (!job) return;
        work(*job, lane);
      }
    });
  }
}

}  // namespace ks
