#include "service/job_queue.h"

#include <algorithm>
#include <iterator>

namespace ks {

std::vector<size_t> JobQueue::DevicesFor(const std::string& backend,
                                         const std::string& device) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < devices_.size(); ++i) {
    if (devices_[i].backend == backend && (device.empty() || devices_[i].id == device)) {
      found.push_back(i);
    }
  }
  return found;
}

void JobQueue::Push(const JobPtr& job) {
  if (waiting_[KindOf(*job)].emplace(KeyOf(*job), job).second) ++size_;
}

void JobQueue::Remove(const Job& job) {
  const auto kind = waiting_.find(KindOf(job));
  if (kind == waiting_.end()) return;
  size_ -= kind->second.erase(KeyOf(job));
  if (kind->second.empty()) waiting_.erase(kind);
}

std::optional<size_t> JobQueue::Room(const Kind& kind) const {
  const auto& [backend, device, timed] = kind;
  std::optional<size_t> best;
  for (const size_t i : DevicesFor(backend, device)) {
    // Those that may be timed at once do not keep the next from being compiled.
    const auto beside = static_cast<size_t>(std::max(devices_[i].timed_at_once - 1, 0));
    if (timed && assigned_[i] >= look_ahead_ + beside) continue;
    if (!best || assigned_[i] < assigned_[*best]) best = i;
  }
  return best;
}

JobPtr JobQueue::Take() {
  JobPtr first;
  for (const auto& [kind, jobs] : waiting_) {
    const JobPtr& job = jobs.begin()->second;
    if (first != nullptr && KeyOf(*first) < KeyOf(*job)) continue;
    const std::optional<size_t> device = Room(kind);
    if (!device) continue;
    job->device = *device;
    first = job;
  }
  if (first == nullptr) return nullptr;
  Remove(*first);
  first->taken = true;
  if (first->timed) ++assigned_[first->device];
  return first;
}

void JobQueue::Release(Job& job) {
  if (job.taken && job.timed) --assigned_[job.device];
  job.taken = false;
}

int64_t JobQueue::PositionOf(const Job& job) const {
  const auto kind = waiting_.find(KindOf(job));
  if (kind == waiting_.end()) return -1;
  const auto place = kind->second.find(KeyOf(job));
  return place == kind->second.end() ? -1 : std::distance(kind->second.begin(), place);
}

}  // namespace ks
