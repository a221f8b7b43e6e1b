#include "service/task_cache.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "service/task_json.h"

namespace ks {
namespace {

constexpr size_t kCapacity = 64;
constexpr size_t kHashDigits = 64;

}  // namespace

std::shared_ptr<const KnownTask> TaskCache::Cached(const std::string& hash_or_name) {
  const bool by_hash = hash_or_name.size() == kHashDigits;
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(tasks_.begin(), tasks_.end(), [&](const auto& known) {
    // A name means the library's task: one that came with a request may be called the same.
    return by_hash ? known->task.hash == hash_or_name
                   : known->task.name == hash_or_name && known->task.origin == "embedded";
  });
  if (found == tasks_.end()) return nullptr;
  tasks_.splice(tasks_.begin(), tasks_, found);
  return tasks_.front();
}

std::shared_ptr<const KnownTask> TaskCache::Put(Task task, std::string json) {
  auto known = std::make_shared<const KnownTask>(KnownTask{std::move(task), std::move(json)});
  const std::lock_guard lock(mutex_);
  tasks_.push_front(known);
  if (tasks_.size() > kCapacity) tasks_.pop_back();
  return known;
}

Result<std::shared_ptr<const KnownTask>> TaskCache::Resolve(const Submission& submission) {
  const std::string& key = submission.task ? submission.task->hash : submission.task_ref;
  if (auto known = Cached(key)) return known;
  if (submission.task) {
    return Put(*submission.task, TaskToJson(*submission.task).dump());
  }
  if (key.size() == kHashDigits) return ByHash(key);
  KS_ASSIGN_OR_RETURN(Task task, find_(key));
  std::string json = TaskToJson(task).dump();
  return Put(std::move(task), std::move(json));
}

Result<std::shared_ptr<const KnownTask>> TaskCache::ByHash(const std::string& hash) {
  if (auto known = Cached(hash)) return known;
  KS_ASSIGN_OR_RETURN(const std::optional<std::string> text, journal_.FindTask(hash));
  if (!text) {
    return Error{ErrorCode::kNotFound,
                 "the task with hash " + hash + " is not known here: send the task itself"};
  }
  KS_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(*text));
  KS_ASSIGN_OR_RETURN(Task task, TaskFromJson(json, "task"));
  return Put(std::move(task), *text);
}

}  // namespace ks
