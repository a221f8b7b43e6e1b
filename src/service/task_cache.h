// The tasks that requests are about: those that came with one, those of the library by name, and
// those that came before by their hash.
#ifndef KS_SERVICE_TASK_CACHE_H_
#define KS_SERVICE_TASK_CACHE_H_

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "core/task.h"
#include "service/journal.h"
#include "service/wire.h"

namespace ks {

struct KnownTask {
  Task task;
  std::string json;  // TaskToJson
};

// Thread-safe. Keeps the last few parsed; the journal keeps all that accepted requests need.
class TaskCache {
 public:
  using FindByName = std::function<Result<Task>(const std::string& name)>;
  TaskCache(const Journal& journal, FindByName find) : journal_(journal), find_(std::move(find)) {}

  // ERRORS: kNotFound (an unknown name, or a hash that was not seen here), those of the journal.
  Result<std::shared_ptr<const KnownTask>> Resolve(const Submission& submission);
  Result<std::shared_ptr<const KnownTask>> ByHash(const std::string& hash);

 private:
  std::shared_ptr<const KnownTask> Cached(const std::string& hash_or_name);
  std::shared_ptr<const KnownTask> Put(Task task, std::string json);

  const Journal& journal_;
  const FindByName find_;
  std::mutex mutex_;
  std::list<std::shared_ptr<const KnownTask>> tasks_;  // most recent first; guarded by mutex_
};

}  // namespace ks

#endif  // KS_SERVICE_TASK_CACHE_H_
