// Accepted evaluations that wait for a thread: by priority, then in the order of acceptance, but
// only those whose device has room.
#ifndef KS_SERVICE_JOB_QUEUE_H_
#define KS_SERVICE_JOB_QUEUE_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "service/evaluator_pool.h"
#include "service/journal.h"
#include "service/wire.h"

namespace ks {

// One accepted evaluation. Owned by the service, guarded by its mutex but for the part of the
// thread that runs it.
struct Job {
  // Constant after construction.
  std::string id;
  int64_t sequence = 0;
  bool timed = true;
  std::string device_asked;

  // Guarded by the service's mutex.
  EvaluationStatus status;
  int64_t deadline_unix_ms = 0;
  int starts = 0;
  bool accepted = false;  // durable
  bool cancel_asked = false;
  bool expired = false;
  bool taken = false;      // counts as assigned to its device
  bool finishing = false;  // its result is on the way to the journal
  size_t device = 0;       // once it runs
  std::stop_source stop;
  std::map<uint64_t, std::function<void(const EvaluationStatus&)>> watchers;

  // Of the thread that runs it; handed over with the lease queue.
  std::shared_ptr<const Task> task;
  std::shared_ptr<Evaluator> evaluator;
  Submission submission;
  Evaluation evaluation;
  int64_t ready_ns = 0;
};
using JobPtr = std::shared_ptr<Job>;

struct JobKey {
  int negative_priority = 0;
  int64_t sequence = 0;
  auto operator<=>(const JobKey&) const = default;
};
inline JobKey KeyOf(const Job& job) { return {-job.status.priority, job.sequence}; }

// Thread-compatible: the service's mutex.
class JobQueue {
 public:
  JobQueue(const std::vector<ServedDevice>& devices, size_t look_ahead)
      : devices_(devices), look_ahead_(look_ahead), assigned_(devices.size()) {}

  // Devices that may run it: of its backend, and the one asked for.
  std::vector<size_t> DevicesFor(const std::string& backend, const std::string& device) const;
  void Push(const JobPtr& job);
  void Remove(const Job& job);
  // The first that may run now, and its device set; null: none. It counts as assigned until
  // Release.
  JobPtr Take();
  // Fine when it was not taken.
  void Release(Job& job);
  // How many of its kind are before it; -1: not here.
  int64_t PositionOf(const Job& job) const;
  size_t size() const { return size_; }

 private:
  using Kind = std::tuple<std::string, std::string, bool>;  // backend, device asked for, timed
  static Kind KindOf(const Job& job) { return {job.status.backend, job.device_asked, job.timed}; }
  // The least loaded device that has room.
  std::optional<size_t> Room(const Kind& kind) const;

  const std::vector<ServedDevice>& devices_;
  const size_t look_ahead_;
  std::vector<size_t> assigned_;  // timed jobs between Take and Release
  std::map<Kind, std::map<JobKey, JobPtr>> waiting_;
  size_t size_ = 0;
};

}  // namespace ks

#endif  // KS_SERVICE_JOB_QUEUE_H_
