#include "service/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/event.h"
#include "service/job_queue.h"
#include "service/task_cache.h"

namespace ks {
namespace {

constexpr std::chrono::milliseconds kSweepInterval(100);
constexpr int kMaxTries = 2;  // the second only after a fault of ours
constexpr int kFullRetryAfterSeconds = 5;
const Error kStopped = {ErrorCode::kCancelled, "stopped"};

// A runner that somebody else killed, the kernel's out-of-memory killer say: not the candidate's
// fault unless it happens again.
bool LooksKilledFromOutside(const Outcome& outcome) {
  const Crashed* crashed = std::get_if<Crashed>(&outcome);
  return crashed != nullptr && crashed->signal == SIGKILL;
}

// Whether the same question may be answered by this outcome later. Outcomes that depend on how busy
// the machine was may not; a passed or failed check may: its inputs are secret, so that asking
// again could only be a second draw from the same odds.
bool IsReusable(const Outcome& outcome) {
  return !std::holds_alternative<TimedOut>(outcome) &&
         !std::holds_alternative<OutOfMemory>(outcome) &&
         !std::holds_alternative<LaunchFailed>(outcome) &&
         !std::holds_alternative<DuplicateOf>(outcome) && !LooksKilledFromOutside(outcome);
}

void AddSeconds(StageSeconds& sum, const StageSeconds& more) {
  sum.compile += more.compile;
  sum.check += more.check;
  sum.time += more.time;
  sum.queue += more.queue;
}

class Service final : public EvaluationService {
 public:
  Service(const ServiceOptions& options, const Parts& parts)
      : options_(options),
        parts_(parts),
        tasks_(parts.journal, parts.find_task),
        pool_(parts.source, options.evaluators),
        queue_(parts.source.devices(), options.look_ahead),
        leases_(parts.source.devices().size()) {}
  ~Service() override { Drain(0); }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

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
    JobPtr holder;
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

Status Service::TakeUp() {
  KS_ASSIGN_OR_RETURN(const std::vector<PendingEvaluation> rows, parts_.journal.Unfinished());
  std::vector<JobPtr> hopeless;
  for (const PendingEvaluation& row : rows) {
    auto job = std::make_shared<Job>();
    job->id = row.status.id;
    job->sequence = row.sequence;
    job->timed = row.timed;
    job->device_asked = row.status.device;
    job->status = row.status;
    job->status.device.clear();
    job->deadline_unix_ms = row.deadline_unix_ms;
    job->starts = row.starts;
    job->accepted = true;
    next_sequence_ = std::max(next_sequence_, row.sequence + 1);
    active_[job->id] = job;
    if (row.starts >= options_.max_starts) {
      hopeless.push_back(job);
    } else {
      queue_.Push(job);
    }
  }
  for (const JobPtr& job : hopeless) {
    ++running_;
    Finish(job, EvaluationState::kFailed,
           {ErrorCode::kInternal,
            fmt::format("the service ended {} times while it evaluated this", job->starts)});
  }
  return {};
}

void Service::Run() {
  for (int i = 0; i < std::max(1, options_.compile_threads); ++i) {
    threads_.emplace_back([this](std::stop_token stop) { CompileLoop(std::move(stop)); });
  }
  for (size_t i = 0; i < leases_.size(); ++i) {
    threads_.emplace_back([this, i](std::stop_token stop) { LeaseLoop(i, std::move(stop)); });
  }
  threads_.emplace_back([this](std::stop_token stop) { Sweep(std::move(stop)); });
}

std::variant<Service::Wanted, ApiError> Service::Resolve(Submission submission) {
  Wanted wanted;
  Result<std::shared_ptr<const KnownTask>> task = tasks_.Resolve(submission);
  if (!task.ok()) {
    const bool unknown = task.error().code == ErrorCode::kNotFound;
    return ApiError{unknown ? 404 : 500, unknown ? "unknown_task" : "internal",
                    task.error().message};
  }
  wanted.task = *task;
  const std::vector<size_t> devices = queue_.DevicesFor(submission.backend, submission.device);
  if (devices.empty()) {
    return ApiError{422, "unknown_device",
                    fmt::format("no device '{}' of backend '{}' is served here (see /devices)",
                                submission.device, submission.backend)};
  }
  const EvaluationRequest& request = submission.request;
  if (request.stages.time && request.baseline_source.empty() &&
      wanted.task->task.FindSeed(submission.backend) == nullptr) {
    return ApiError{422, "no_baseline",
                    fmt::format("task '{}' has no seed for backend '{}': send a baseline_source",
                                wanted.task->task.name, submission.backend)};
  }
  std::set<std::string> ids;
  for (const size_t i : devices) ids.insert(this->devices()[i].machine.id);
  wanted.id = EvaluationId(submission, wanted.task->task.hash, {ids.begin(), ids.end()});
  submission.task.reset();
  submission.task_ref = wanted.task->task.hash;
  wanted.request_json = SubmissionToJson(submission).dump();
  wanted.submission = std::move(submission);
  {
    const std::lock_guard lock(mutex_);
    if (active_.count(wanted.id) != 0) return wanted;
  }
  Result<std::optional<Journal::Stored>> stored = parts_.journal.FindFinished(wanted.id);
  if (!stored.ok()) return ApiError{500, "internal", stored.error().message};
  if (*stored && (*stored)->reusable) {
    wanted.reused = std::move((*stored)->status);
    wanted.reused->reused = true;
    parts_.journal.NoteUse(wanted.id);
  }
  return wanted;
}

JobPtr Service::NewJob(const Wanted& wanted) {
  auto job = std::make_shared<Job>();
  const Submission& submission = wanted.submission;
  job->id = wanted.id;
  job->sequence = next_sequence_++;
  job->timed = submission.request.stages.time;
  job->device_asked = submission.device;
  job->status.id = wanted.id;
  job->status.task = wanted.task->task.name;
  job->status.task_hash = wanted.task->task.hash;
  job->status.backend = submission.backend;
  job->status.priority = submission.priority;
  job->status.accepted_unix_ms = parts_.clock.UnixMs();
  if (submission.timeout_s > 0) {
    job->deadline_unix_ms =
        job->status.accepted_unix_ms + static_cast<int64_t>(submission.timeout_s * 1000);
  }
  active_[job->id] = job;
  return job;
}

NewEvaluation Service::RowOf(const Wanted& wanted, const Job& job) {
  NewEvaluation row;
  row.pending.status = job.status;
  row.pending.status.device = job.device_asked;
  row.pending.timed = job.timed;
  row.pending.sequence = job.sequence;
  row.pending.deadline_unix_ms = job.deadline_unix_ms;
  row.task_json = wanted.task->json;
  row.request_json = wanted.request_json;
  return row;
}

// The same question again: the more urgent of both counts.
void Service::Raise(const Submission& submission, Job& job) {
  if (submission.timeout_s <= 0) {
    job.deadline_unix_ms = 0;
  } else if (job.deadline_unix_ms > 0) {
    job.deadline_unix_ms =
        std::max(job.deadline_unix_ms,
                 parts_.clock.UnixMs() + static_cast<int64_t>(submission.timeout_s * 1000));
  }
  if (submission.priority <= job.status.priority) return;
  const bool waiting = queue_.PositionOf(job) >= 0;
  if (waiting) queue_.Remove(job);
  job.status.priority = submission.priority;
  if (waiting) queue_.Push(active_.at(job.id));
}

void Service::Enter(const Wanted& wanted, std::vector<NewEvaluation>& rows) {
  if (wanted.reused) {
    ++counters_.reused;
  } else if (const auto active = active_.find(wanted.id); active != active_.end()) {
    ++counters_.joined;
    Raise(wanted.submission, *active->second);
  } else {
    ++counters_.accepted;
    rows.push_back(RowOf(wanted, *NewJob(wanted)));
  }
}

void Service::Submit(std::vector<Submission> submissions, Submitted done) {
  if (draining()) return done(ApiError{503, "shutting_down", "the service is shutting down", 5});
  std::vector<Wanted> wanted;
  for (Submission& submission : submissions) {
    std::variant<Wanted, ApiError> resolved = Resolve(std::move(submission));
    if (auto* error = std::get_if<ApiError>(&resolved)) return done(std::move(*error));
    wanted.push_back(std::move(std::get<Wanted>(resolved)));
  }
  std::vector<NewEvaluation> rows;
  std::set<std::string> fresh;
  std::optional<ApiError> full;
  {
    const std::lock_guard lock(mutex_);
    for (const Wanted& one : wanted) {
      if (!one.reused && active_.count(one.id) == 0) fresh.insert(one.id);
    }
    if (active_.size() + fresh.size() > options_.queue_limit) {
      ++counters_.refused_full;
      full = ApiError{429, "queue_full",
                      fmt::format("{} evaluations are waiting already", active_.size()),
                      kFullRetryAfterSeconds};
    }
    if (!full) {
      ++accepting_;
      for (const Wanted& one : wanted) Enter(one, rows);
    }
  }
  if (full) return done(*std::move(full));
  // Also when nothing is new: what was joined may not be durable yet, and commits come in order.
  parts_.journal.Accept(std::move(rows), [this, wanted = std::move(wanted), fresh,
                                          done = std::move(done)](const Status& status) {
    OnAccepted(wanted, fresh, status, done);
    const std::lock_guard lock(mutex_);
    --accepting_;
    idle_.notify_all();
  });
}

void Service::OnAccepted(const std::vector<Wanted>& wanted, const std::set<std::string>& fresh,
                         const Status& status, const Submitted& done) {
  std::vector<EvaluationStatus> statuses;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& id : fresh) {
      const auto active = active_.find(id);
      if (active == active_.end()) continue;
      if (status.ok()) {
        active->second->accepted = true;
        queue_.Push(active->second);
      } else {
        active_.erase(active);
      }
    }
    for (const Wanted& one : wanted) {
      const auto active = active_.find(one.id);
      if (one.reused) {
        statuses.push_back(*one.reused);
      } else if (active != active_.end()) {
        statuses.push_back(StatusOf(*active->second));
      }
    }
  }
  work_.notify_all();
  if (!status.ok()) {
    return done(ApiError{503, "not_stored", "cannot be accepted durably: " + status.error().message,
                         kFullRetryAfterSeconds});
  }
  if (statuses.size() == wanted.size()) return done(std::move(statuses));
  statuses.clear();  // one that was joined has finished meanwhile
  for (const Wanted& one : wanted) {
    Result<EvaluationStatus> found = Find(one.id);
    if (!found.ok()) return done(ApiError{503, "not_stored", found.error().message, 1});
    statuses.push_back(*std::move(found));
  }
  done(std::move(statuses));
}

EvaluationStatus Service::StatusOf(const Job& job) const {
  EvaluationStatus status = job.status;
  if (status.state == EvaluationState::kQueued) status.position = queue_.PositionOf(job);
  return status;
}

Result<EvaluationStatus> Service::Find(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    const auto active = active_.find(id);
    if (active != active_.end()) return StatusOf(*active->second);
  }
  KS_ASSIGN_OR_RETURN(std::optional<Journal::Stored> stored, parts_.journal.FindFinished(id));
  if (!stored) {
    return Error{ErrorCode::kNotFound, "no evaluation " + id +
                                           ": it was never submitted here, or its outcome has made "
                                           "room for newer ones; submit it again"};
  }
  return std::move(stored->status);
}

uint64_t Service::Watch(const std::string& id,
                        std::function<void(const EvaluationStatus&)> changed) {
  const std::lock_guard lock(mutex_);
  const auto active = active_.find(id);
  if (active == active_.end()) return 0;
  active->second->watchers[next_watch_] = std::move(changed);
  return next_watch_++;
}

void Service::Unwatch(const std::string& id, uint64_t watch) {
  std::function<void(const EvaluationStatus&)> gone;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const auto active = active_.find(id);
  if (active == active_.end()) return;
  const auto found = active->second->watchers.find(watch);
  if (found == active->second->watchers.end()) return;
  gone = std::move(found->second);
  active->second->watchers.erase(found);
}

Result<EvaluationStatus> Service::Cancel(const std::string& id) {
  JobPtr queued;
  {
    const std::lock_guard lock(mutex_);
    const auto active = active_.find(id);
    if (active != active_.end()) {
      Job& job = *active->second;
      job.cancel_asked = true;
      job.stop.request_stop();
      if (queue_.PositionOf(job) >= 0) {
        queue_.Remove(job);
        queued = active->second;
        ++running_;  // until it is finished
      }
    }
  }
  if (queued != nullptr) Finish(queued, EvaluationState::kCancelled, {});
  work_.notify_all();
  return Find(id);
}

void Service::CompileLoop(std::stop_token stop) {
  for (;;) {
    JobPtr job;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, stop, [&] { return !draining_ && (job = queue_.Take()) != nullptr; });
      if (job == nullptr) return;
      ++running_;
      job->status.state = EvaluationState::kRunning;
      job->status.stage = "compile";
      job->status.device = devices()[job->device].id;
      ++job->status.tries;
    }
    parts_.journal.NoteStart(job->id, /*ended=*/false);
    Notify(job);
    Prepare(job);
  }
}

Status Service::Load(Job& job) {
  KS_ASSIGN_OR_RETURN(const std::string text, parts_.journal.RequestOf(job.id));
  KS_ASSIGN_OR_RETURN(const nlohmann::json json, ParseJson(text));
  KS_ASSIGN_OR_RETURN(job.submission, SubmissionFromJson(json, "request"));
  KS_ASSIGN_OR_RETURN(const std::shared_ptr<const KnownTask> known,
                      tasks_.ByHash(job.status.task_hash));
  job.task = std::shared_ptr<const Task>(known, &known->task);
  KS_ASSIGN_OR_RETURN(job.evaluator, pool_.Get(*job.task, job.device, job.submission.config));
  return {};
}

// Everything that needs no lease.
void Service::Prepare(const JobPtr& job) {
  if (const Status loaded = Load(*job); !loaded.ok()) return Fault(job, loaded.error());
  if (job->stop.stop_requested()) return Fault(job, kStopped);
  EvaluationRequest request = job->submission.request;
  request.parent.reset();
  request.champion.reset();
  request.stages.time = false;
  request.stages.check = request.stages.check && !devices()[job->device].check_needs_lease;
  Result<Evaluation> evaluation = job->evaluator->Evaluate(request, job->stop.get_token());
  if (!evaluation.ok()) return Fault(job, evaluation.error());
  job->evaluation = *std::move(evaluation);
  if (AsMeasured(job->evaluation.outcome) == nullptr || !NeedsLease(*job)) return Complete(job);
  if (job->timed) WarmRivals(*job);
  ToLease(job);
}

// Compiles what the candidate will be compared with, so that no compiler runs under the lease.
// What goes wrong here goes wrong there too, and is said there.
void Service::WarmRivals(Job& job) {
  const EvaluationRequest& request = job.submission.request;
  const SeedKernel* seed = job.task->FindSeed(job.submission.backend);
  std::set<std::string> sources;
  if (!request.baseline_source.empty()) {
    sources.insert(request.baseline_source);
  } else if (seed != nullptr) {
    sources.insert(seed->source);
  }
  if (request.parent) sources.insert(request.parent->source);
  if (request.champion) sources.insert(request.champion->source);
  sources.erase(request.source);
  for (const std::string& source : sources) {
    EvaluationRequest rival;
    rival.source = source;
    rival.stages = {true, false, false};
    if (!job.evaluator->Evaluate(rival, job.stop.get_token()).ok()) return;
  }
}

void Service::ToLease(const JobPtr& job) {
  job->ready_ns = parts_.clock.MonotonicNs();
  SetStage(job, "lease");
  {
    const std::lock_guard lock(mutex_);
    leases_[job->device].ready.emplace(KeyOf(*job), job);
  }
  work_.notify_all();
}

void Service::LeaseLoop(size_t device, std::stop_token stop) {
  Lease& lease = leases_[device];
  for (;;) {
    JobPtr job;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, stop, [&] { return !lease.ready.empty(); });
      if (lease.ready.empty()) return;
      job = lease.ready.begin()->second;
      lease.ready.erase(lease.ready.begin());
      lease.holder = job;
    }
    const int64_t begin_ns = parts_.clock.MonotonicNs();
    Time(device, job);
    {
      const std::lock_guard lock(mutex_);
      lease.holder = nullptr;
      lease.busy_s += ElapsedSince(begin_ns);
      ++lease.timed;
    }
  }
}

void Service::Time(size_t device, const JobPtr& job) {
  if (job->stop.stop_requested()) return Fault(job, kStopped);
  SetStage(job, "time");
  const double waited_s = ElapsedSince(job->ready_ns);
  EvaluationRequest request = job->submission.request;
  request.stages.check = request.stages.check && devices()[device].check_needs_lease;
  Result<Evaluation> timed = job->evaluator->Evaluate(request, job->stop.get_token());
  if (!timed.ok()) return Fault(job, timed.error());
  StageSeconds seconds = job->evaluation.seconds;
  AddSeconds(seconds, timed->seconds);
  seconds.queue += waited_s;
  job->evaluation = *std::move(timed);
  job->evaluation.seconds = seconds;
  Complete(job);
}

void Service::Complete(const JobPtr& job) {
  int tries = 0;
  {
    const std::lock_guard lock(mutex_);
    tries = job->status.tries;
  }
  if (LooksKilledFromOutside(job->evaluation.outcome) && tries < kMaxTries) {
    return Fault(job, {ErrorCode::kUnavailable, "the runner was killed from outside"});
  }
  {
    const std::lock_guard lock(mutex_);
    job->status.evaluation_json = EvaluationToJson(job->evaluation);
    ++outcomes_[OutcomeName(job->evaluation.outcome)];
    AddSeconds(counters_.seconds, job->evaluation.seconds);
  }
  Finish(job, EvaluationState::kFinished, {});
}

// A fault of ours, or a stop that somebody asked for.
void Service::Fault(const JobPtr& job, const Error& error) {
  enum { kCancel, kExpire, kReturn, kRetry, kFail } what = kFail;
  {
    const std::lock_guard lock(mutex_);
    if (job->cancel_asked) {
      what = kCancel;
    } else if (job->expired) {
      what = kExpire;
    } else if (error.code == ErrorCode::kCancelled) {
      what = kReturn;
    } else if (job->status.tries < kMaxTries) {
      what = kRetry;
      ++counters_.retries;
    }
  }
  switch (what) {
    case kCancel:
      return Finish(job, EvaluationState::kCancelled, {});
    case kExpire:
      return Finish(job, EvaluationState::kExpired,
                    {ErrorCode::kCancelled, "the deadline passed while it was evaluated"});
    case kReturn:
      return Requeue(job, /*ended=*/true);
    case kRetry:
      if (job->evaluator != nullptr) pool_.Drop(job->evaluator);
      return Requeue(job, /*ended=*/true);
    case kFail:
      return Finish(job, EvaluationState::kFailed, error);
  }
}

void Service::Requeue(const JobPtr& job, bool ended) {
  parts_.journal.NoteStart(job->id, ended);
  job->evaluator = nullptr;
  job->task = nullptr;
  job->submission = {};
  job->evaluation = {};
  {
    const std::lock_guard lock(mutex_);
    job->status.state = EvaluationState::kQueued;
    job->status.stage.clear();
    job->status.device.clear();
    queue_.Release(*job);
    queue_.Push(job);
    --running_;
  }
  work_.notify_all();
  idle_.notify_all();
  Notify(job);
}

void Service::Finish(const JobPtr& job, EvaluationState state, Error error) {
  EvaluationStatus status;
  bool reusable = false;
  {
    const std::lock_guard lock(mutex_);
    job->finishing = true;
    status = job->status;
    if (state == EvaluationState::kFinished) reusable = IsReusable(job->evaluation.outcome);
  }
  status.state = state;
  status.stage.clear();
  status.error = std::move(error.message);
  status.error_code = error.code;
  status.finished_unix_ms = parts_.clock.UnixMs();
  parts_.journal.Finish(status, reusable, [this, job, status](const Status& stored) {
    OnFinished(job, status, stored);
  });
}

void Service::OnFinished(const JobPtr& job, EvaluationStatus status, const Status& stored) {
  if (!stored.ok()) {  // the next start evaluates it again
    status.state = EvaluationState::kFailed;
    status.evaluation_json.clear();
    status.error_code = stored.error().code;
    status.error = "the result cannot be stored: " + stored.error().message;
  }
  std::map<uint64_t, std::function<void(const EvaluationStatus&)>> watchers;
  {
    const std::lock_guard lock(mutex_);
    queue_.Release(*job);
    active_.erase(job->id);
    --running_;
    watchers.swap(job->watchers);
    counters_.finished += status.state == EvaluationState::kFinished ? 1 : 0;
    counters_.failed += status.state == EvaluationState::kFailed ? 1 : 0;
    counters_.cancelled += status.state == EvaluationState::kCancelled ? 1 : 0;
    counters_.expired += status.state == EvaluationState::kExpired ? 1 : 0;
  }
  work_.notify_all();
  idle_.notify_all();
  for (const auto& [number, changed] : watchers) changed(status);
}

void Service::SetStage(const JobPtr& job, const char* stage) {
  {
    const std::lock_guard lock(mutex_);
    job->status.stage = stage;
  }
  Notify(job);
}

void Service::Notify(const JobPtr& job) {
  EvaluationStatus status;
  std::vector<std::function<void(const EvaluationStatus&)>> watchers;
  {
    const std::lock_guard lock(mutex_);
    if (job->watchers.empty()) return;
    status = StatusOf(*job);
    for (const auto& [number, changed] : job->watchers) watchers.push_back(changed);
  }
  for (const auto& changed : watchers) changed(status);
}

// Deadlines.
void Service::Sweep(std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<JobPtr> late;
    {
      std::unique_lock lock(mutex_);
      idle_.wait_for(lock, stop, kSweepInterval, [] { return false; });
      const int64_t now = parts_.clock.UnixMs();
      for (const auto& [id, job] : active_) {
        if (job->deadline_unix_ms == 0 || job->deadline_unix_ms > now || job->expired) continue;
        if (!job->accepted || job->finishing) continue;
        job->expired = true;
        job->stop.request_stop();
        if (queue_.PositionOf(*job) < 0) continue;
        queue_.Remove(*job);
        ++running_;
        late.push_back(job);
      }
    }
    for (const JobPtr& job : late) {
      Finish(job, EvaluationState::kExpired,
             {ErrorCode::kCancelled, "the deadline passed before its turn came"});
    }
  }
}

void Service::Drain(double grace_s) {
  std::vector<JobPtr> jobs;
  {
    const std::lock_guard lock(mutex_);
    if (draining_ && threads_.empty()) return;
    draining_ = true;
    for (const auto& [id, job] : active_) jobs.push_back(job);
  }
  for (const JobPtr& job : jobs) Notify(job);  // who waits is told now
  {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, std::chrono::duration<double>(grace_s), [&] { return running_ == 0; });
    for (const auto& [id, job] : active_) job->stop.request_stop();
  }
  {
    // Evaluators notice the stop; what only waits for a lease is handed back by its thread.
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return running_ == 0 && accepting_ == 0; });
  }
  threads_.clear();
}

ServiceStats Service::stats() const {
  ServiceStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = counters_;
    stats.outcomes = {outcomes_.begin(), outcomes_.end()};
    stats.queued = queue_.size();
    stats.running = running_;
    for (size_t i = 0; i < leases_.size(); ++i) {
      stats.devices.push_back({devices()[i].id, leases_[i].busy_s, leases_[i].timed,
                               leases_[i].holder != nullptr, leases_[i].ready.size()});
    }
  }
  stats.evaluators = pool_.size();
  stats.journal = parts_.journal.counts();
  return stats;
}

}  // namespace

Result<std::unique_ptr<EvaluationService>> EvaluationService::Start(const ServiceOptions& options,
                                                                    const Parts& parts) {
  auto service = std::make_unique<Service>(options, parts);
  KS_RETURN_IF_ERROR(service->TakeUp());
  service->Run();
  return std::unique_ptr<EvaluationService>(std::move(service));
}

}  // namespace ks
