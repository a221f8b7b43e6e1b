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
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void EnginePool::Run(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!wake_.wait(lock, stop, [&] { return !queue_.empty(); }) || stop.stop_requested()) return;
    const Work work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work(stop);
  }
}

}  // namespace ks
