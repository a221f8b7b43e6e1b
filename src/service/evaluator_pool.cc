#include "service/evaluator_pool.h"

#include <fmt/format.h>

#include <algorithm>

#include "service/wire.h"

namespace ks {
namespace {

// An evaluator and the task it refers to, so that they end together.
struct Owned {
  explicit Owned(const Task& t) : task(t) {}
  const Task task;
  std::unique_ptr<Evaluator> evaluator;
};

std::string KeyOf(const Task& task, size_t device, const EvaluationConfig& config) {
  Submission protocol;
  protocol.config = config;
  return fmt::format("{}/{}/{}", task.hash, device, EvaluationId(protocol, "", {}));
}

}  // namespace

Result<std::shared_ptr<Evaluator>> EvaluatorPool::Get(const Task& task, size_t device,
                                                      const EvaluationConfig& config) {
  const std::string key = KeyOf(task, device, config);
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.key == key; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.front().evaluator;
  }
  auto owned = std::make_shared<Owned>(task);
  KS_ASSIGN_OR_RETURN(owned->evaluator, source_.Make(owned->task, device, config));
  std::shared_ptr<Evaluator> evaluator(owned, owned->evaluator.get());
  entries_.push_front({key, device, evaluator});
  size_t kept = 0;
  entries_.remove_if(
      [&](const Entry& entry) { return entry.device == device && ++kept > capacity_; });
  return evaluator;
}

void EvaluatorPool::Drop(const std::shared_ptr<Evaluator>& evaluator) {
  const std::lock_guard lock(mutex_);
  entries_.remove_if([&](const Entry& entry) { return entry.evaluator == evaluator; });
}

void EvaluatorPool::DropIdle() {
  std::list<Entry> idle;  // ended without the lock
  const std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->evaluator.use_count() == 1) idle.splice(idle.end(), entries_, entry);
    entry = next;
  }
}

size_t EvaluatorPool::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace ks
