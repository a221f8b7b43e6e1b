#include "engine/worker_pool.h"

#include <utility>

namespace ks {

EnginePool::EnginePool(int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Run(stop); });
  }
}

EnginePool::~EnginePool() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void EnginePool::Submit(Work work) {
  std::unique_lock lock(mutex_);
  queue_.push_back(std::move(work));
  // One that looks again soon takes one piece of work, not several.
  const bool wake = asleep_ > 0 && queue_.size() > static_cast<size_t>(looking_);
  lock.unlock();
  if (wake) wake_.notify_one();
}

void EnginePool::Hurry() {
  std::unique_lock lock(mutex_);
  const bool wanted = looking_ > 0 && !queue_.empty();
  lock.unlock();
  if (wanted) look_.notify_all();
}

void EnginePool::Rouse() {
  std::unique_lock lock(mutex_);
  if (threads_.empty()) return;
  rouse_ = true;
  wake_.notify_all();
  awake_.wait(lock, [&] { return asleep_ == 0; });
  rouse_ = false;
}

void EnginePool::Run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (bool idle = true; !stop.stop_requested();) {
    if (queue_.empty() && !std::exchange(idle, true)) {
      ++looking_;
      look_.wait_for(lock, stop, kMoment, [&] { return !queue_.empty(); });
      --looking_;
      continue;
    }
    ++asleep_;
    const bool found = wake_.wait(lock, stop, [&] { return !queue_.empty() || rouse_; });
    if (--asleep_ == 0 && rouse_) awake_.notify_all();
    if (!found || stop.stop_requested()) return;
    idle = false;
    if (queue_.empty()) continue;
    Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work(stop);
    work = nullptr;
    lock.lock();
  }
}

}  // namespace ks
