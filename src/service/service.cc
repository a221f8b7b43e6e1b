#include "service/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "service/durable_service.h"

namespace ks {
namespace {

constexpr int kFullRetryAfterSeconds = 5;

}  // namespace

Status DurableService::TakeUp() {
  KS_ASSIGN_OR_RETURN(const std::vector<PendingEvaluation> rows, parts_.journal.Unfinished());
  counters_.taken_up = static_cast<int64_t>(rows.size());
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

void DurableService::Run() {
  for (int i = 0; i < std::max(1, options_.compile_threads); ++i) {
    threads_.emplace_back([this](std::stop_token stop) { CompileLoop(std::move(stop)); });
  }
  for (size_t i = 0; i < leases_.size(); ++i) {
    for (int k = 0; k < std::max(1, devices()[i].timed_at_once); ++k) {
      threads_.emplace_back([this, i](std::stop_token stop) { LeaseLoop(i, std::move(stop)); });
    }
  }
  threads_.emplace_back([this](std::stop_token stop) { Sweep(std::move(stop)); });
}

std::variant<DurableService::Wanted, ApiError> DurableService::Resolve(Submission submission) {
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

JobPtr DurableService::NewJob(const Wanted& wanted) {
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

NewEvaluation DurableService::RowOf(const Wanted& wanted, const Job& job) {
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
void DurableService::Raise(const Submission& submission, Job& job) {
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

void DurableService::Enter(const Wanted& wanted, std::vector<NewEvaluation>& rows) {
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

void DurableService::Submit(std::vector<Submission> submissions, Submitted done) {
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

void DurableService::OnAccepted(const std::vector<Wanted>& wanted,
                                const std::set<std::string>& fresh, const Status& status,
                                const Submitted& done) {
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

EvaluationStatus DurableService::StatusOf(const Job& job) const {
  EvaluationStatus status = job.status;
  if (status.state == EvaluationState::kQueued) status.position = queue_.PositionOf(job);
  return status;
}

Result<EvaluationStatus> DurableService::Find(const std::string& id) {
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

uint64_t DurableService::Watch(const std::string& id,
                               std::function<void(const EvaluationStatus&)> changed) {
  const std::lock_guard lock(mutex_);
  const auto active = active_.find(id);
  if (active == active_.end()) return 0;
  active->second->watchers[next_watch_] = std::move(changed);
  return next_watch_++;
}

void DurableService::Unwatch(const std::string& id, uint64_t watch) {
  std::function<void(const EvaluationStatus&)> gone;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const auto active = active_.find(id);
  if (active == active_.end()) return;
  const auto found = active->second->watchers.find(watch);
  if (found == active->second->watchers.end()) return;
  gone = std::move(found->second);
  active->second->watchers.erase(found);
}

Result<EvaluationStatus> DurableService::Cancel(const std::string& id) {
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

void DurableService::Drain(double grace_s) {
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

ServiceStats DurableService::stats() const {
  ServiceStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = counters_;
    stats.outcomes = {outcomes_.begin(), outcomes_.end()};
    stats.queued = queue_.size();
    stats.running = running_;
    for (size_t i = 0; i < leases_.size(); ++i) {
      const std::optional<double> leased_s = parts_.source.BusySeconds(i);
      stats.devices.push_back({devices()[i].id, leased_s.value_or(leases_[i].busy_s),
                               leases_[i].timed, leases_[i].holders > 0, leases_[i].ready.size()});
    }
  }
  stats.evaluators = pool_.size();
  stats.journal = parts_.journal.counts();
  return stats;
}

Result<std::unique_ptr<EvaluationService>> EvaluationService::Start(const ServiceOptions& options,
                                                                    const Parts& parts) {
  auto service = std::make_unique<DurableService>(options, parts);
  KS_RETURN_IF_ERROR(service->TakeUp());
  service->Run();
  return std::unique_ptr<EvaluationService>(std::move(service));
}

}  // namespace ks
