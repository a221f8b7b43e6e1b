// The one implementation of EvaluationService: service.cc takes requests in and answers,
// service_run.cc evaluates them. Not for others to include.
#ifndef KS_SERVICE_DURABLE_SERVICE_H_
#define KS_SERVICE_DURABLE_SERVICE_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "service/job_queue.h"
#include "service/service.h"
#include "service/task_cache.h"

namespace ks {

// Thread-safe; see service.h for the contract.
class DurableService final : public EvaluationService {
 public:
  DurableService(const ServiceOptions& options, const Parts& parts)
      : options_(options),
        parts_(parts),
        tasks_(parts.journal, parts.find_task),
        pool_(parts.source, options.evaluators),
        queue_(parts.source.devices(), options.look_ahead),
        leases_(parts.source.devices().size()) {}
  ~DurableService() override { Drain(0); }
  DurableService(const DurableService&) = delete;
  DurableService& operator=(const DurableService&) = delete;

  Status TakeUp();
  void Run();

  void Submit(std::vector<Submission> submissions, Submitted done) override;
  Result<EvaluationStatus> Find(const std::string& id) override;
  uint64_t Watch(const std::string& id,
                 std::function<void(const EvaluationStatus&)> changed) override;
  void Unwatch(const std::string& id, uint64_t watch) override;
  Result<EvaluationStatus> Cancel(const std::string& id) override;
  void Drain(double grace_s) override;
  bool draining() const override {
    const std::lock_guard lock(mutex_);
    return draining_;
  }
  ServiceStats stats() const override;
  const std::vector<ServedDevice>& devices() const override { return parts_.source.devices(); }

 private:
  // What a request comes to before it is accepted.
  struct Wanted {
    Submission submission;
    std::shared_ptr<const KnownTask> task;
    std::string id;
    std::string request_json;
    std::optional<EvaluationStatus> reused;
  };
  // One device's lease: candidates that passed the check, in order.
  struct Lease {
    std::map<JobKey, JobPtr> ready;
    size_t holders = 0;
    double busy_s = 0;
    int64_t timed = 0;
  };

  std::variant<Wanted, ApiError> Resolve(Submission submission);
  void Enter(const Wanted& wanted, std::vector<NewEvaluation>& rows);
  JobPtr NewJob(const Wanted& wanted);
  static NewEvaluation RowOf(const Wanted& wanted, const Job& job);
  void OnAccepted(const std::vector<Wanted>& wanted, const std::set<std::string>& fresh,
                  const Status& status, const Submitted& done);
  EvaluationStatus StatusOf(const Job& job) const;
  void Raise(const Submission& submission, Job& job);

  void CompileLoop(std::stop_token stop);
  void LeaseLoop(size_t device, std::stop_token stop);
  void Sweep(std::stop_token stop);
  Status Load(Job& job);
  void Prepare(const JobPtr& job);
  void WarmRivals(Job& job);
  void Time(size_t device, const JobPtr& job);
  void ToLease(const JobPtr& job);
  bool NeedsLease(const Job& job) const {
    return job.timed ||
           (job.submission.request.stages.check && devices()[job.device].check_needs_lease);
  }
  void Fault(const JobPtr& job, const Error& error);
  void Requeue(const JobPtr& job, bool ended);
  void Complete(const JobPtr& job);
  void Finish(const JobPtr& job, EvaluationState state, Error error);
  void OnFinished(const JobPtr& job, EvaluationStatus status, const Status& stored);
  void SetStage(const JobPtr& job, const char* stage);
  void Notify(const JobPtr& job);
  double ElapsedSince(int64_t begin_ns) const {
    return static_cast<double>(parts_.clock.MonotonicNs() - begin_ns) * 1e-9;
  }

  // Constant after construction, or thread-safe.
  const ServiceOptions options_;
  const Parts parts_;
  TaskCache tasks_;
  EvaluatorPool pool_;

  mutable std::mutex mutex_;  // guards all below but the threads
  std::condition_variable_any work_;
  std::condition_variable_any idle_;
  std::unordered_map<std::string, JobPtr> active_;
  JobQueue queue_;
  std::vector<Lease> leases_;
  size_t running_ = 0;    // taken from the queue and not finished or returned
  size_t accepting_ = 0;  // submissions on the way to the journal
  bool draining_ = false;
  int64_t next_sequence_ = 1;
  uint64_t next_watch_ = 1;
  ServiceStats counters_;
  std::map<std::string, int64_t> outcomes_;
  std::vector<std::jthread> threads_;
};

}  // namespace ks

#endif  // KS_SERVICE_DURABLE_SERVICE_H_
