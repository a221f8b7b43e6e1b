// How accepted requests are evaluated: the compile pool, the leases, tries and ends.
#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "core/event.h"
#include "service/durable_service.h"

namespace ks {
namespace {

constexpr std::chrono::milliseconds kSweepInterval(100);
constexpr int kMaxTries = 2;  // the second only after a fault of ours
const Error kStopped = {ErrorCode::kCancelled, "stopped"};

// A runner that somebody else killed, the kernel's out-of-memory killer say (backends take SIGKILL
// for that): not the candidate's fault unless it happens again.
bool LooksKilledFromOutside(const Outcome& outcome) {
  if (const auto* memory = std::get_if<OutOfMemory>(&outcome)) return memory->requested_bytes == 0;
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

}  // namespace

void DurableService::CompileLoop(std::stop_token stop) {
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

Status DurableService::Load(Job& job) {
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
void DurableService::Prepare(const JobPtr& job) {
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
void DurableService::WarmRivals(Job& job) {
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

void DurableService::ToLease(const JobPtr& job) {
  job->ready_ns = parts_.clock.MonotonicNs();
  SetStage(job, "lease");
  {
    const std::lock_guard lock(mutex_);
    leases_[job->device].ready.emplace(KeyOf(*job), job);
  }
  work_.notify_all();
}

void DurableService::LeaseLoop(size_t device, std::stop_token stop) {
  Lease& lease = leases_[device];
  for (;;) {
    JobPtr job;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, stop, [&] { return !lease.ready.empty(); });
      if (lease.ready.empty()) return;
      job = lease.ready.begin()->second;
      lease.ready.erase(lease.ready.begin());
      ++lease.holders;
    }
    const int64_t begin_ns = parts_.clock.MonotonicNs();
    Time(device, job);
    {
      const std::lock_guard lock(mutex_);
      --lease.holders;
      lease.busy_s += ElapsedSince(begin_ns);
      ++lease.timed;
    }
  }
}

void DurableService::Time(size_t device, const JobPtr& job) {
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

void DurableService::Complete(const JobPtr& job) {
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
void DurableService::Fault(const JobPtr& job, const Error& error) {
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
      if (error.code == ErrorCode::kResourceExhausted) pool_.DropIdle();  // memory of the device
      return Requeue(job, /*ended=*/true);
    case kFail:
      return Finish(job, EvaluationState::kFailed, error);
  }
}

void DurableService::Requeue(const JobPtr& job, bool ended) {
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

void DurableService::Finish(const JobPtr& job, EvaluationState state, Error error) {
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

void DurableService::OnFinished(const JobPtr& job, EvaluationStatus status, const Status& stored) {
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

void DurableService::SetStage(const JobPtr& job, const char* stage) {
  {
    const std::lock_guard lock(mutex_);
    job->status.stage = stage;
  }
  Notify(job);
}

void DurableService::Notify(const JobPtr& job) {
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
void DurableService::Sweep(std::stop_token stop) {
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

}  // namespace ks
