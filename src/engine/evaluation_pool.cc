#include "engine/evaluation_pool.h"

#include <chrono>
#include <utility>

namespace ks {

EvaluationPool::EvaluationPool(Evaluator& evaluator, int threads) : evaluator_(evaluator) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this](std::stop_token stop) { Work(std::move(stop)); });
  }
}

EvaluationPool::~EvaluationPool() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

void EvaluationPool::Submit(CandidateId id, EvaluationRequest request) {
  {
    const std::lock_guard lock(mutex_);
    queue_.emplace_back(id, std::move(request));
    ++in_flight_;
  }
  wake_workers_.notify_one();
}

std::optional<EvaluationPool::Done> EvaluationPool::Wait(int timeout_ms) {
  std::unique_lock lock(mutex_);
  wake_caller_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                        [&] { return !done_.empty(); });
  if (done_.empty()) return std::nullopt;
  Done done = std::move(done_.front());
  done_.pop_front();
  --in_flight_;
  return done;
}

int EvaluationPool::in_flight() const {
  const std::lock_guard lock(mutex_);
  return in_flight_;
}

void EvaluationPool::Work(std::stop_token stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    if (!wake_workers_.wait(lock, stop, [&] { return !queue_.empty(); })) return;
    auto [id, request] = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    Result<Evaluation> result = evaluator_.Evaluate(request, stop);
    lock.lock();
    done_.push_back({id, std::move(result)});
    lock.unlock();
    wake_caller_.notify_one();
  }
}

}  // namespace ks
