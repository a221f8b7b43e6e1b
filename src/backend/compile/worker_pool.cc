#include "backend/compile/worker_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "backend/compile/transfer.h"
#include "base/file.h"
#include "base/text.h"
#include "sandbox/memory_file.h"

namespace ks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kDeathTimeoutS = 2;

}  // namespace

// One process. Single thread.
class WorkerPool::Worker {
 public:
  Worker(std::unique_ptr<SandboxProcess> process, UniqueFd socket)
      : process_(std::move(process)), socket_(std::move(socket)) {}

  Transfer Send(std::string_view message, Clock::time_point deadline, const std::stop_token& stop) {
    const uint64_t size = message.size();
    std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += message;
    return TransferAll(socket_.get(), POLLOUT, bytes.size(), deadline, stop, [&](size_t done) {
      return send(socket_.get(), bytes.data() + done, bytes.size() - done,
                  MSG_DONTWAIT | MSG_NOSIGNAL);
    });
  }

  Transfer Receive(std::string* message, Clock::time_point deadline, const std::stop_token& stop) {
    uint64_t size = 0;
    Transfer transfer = ReceiveBytes(reinterpret_cast<char*>(&size), sizeof size, deadline, stop);
    if (transfer != Transfer::kDone) return transfer;
    if (size > kMaxWorkerMessageBytes) return Transfer::kClosed;
    message->resize(size);
    return ReceiveBytes(message->data(), size, deadline, stop);
  }

  // Ends it and says how it ended.
  WorkerDied Collect(bool timed_out) {
    if (timed_out) process_->Kill();
    WorkerDied died;
    died.timed_out = timed_out;
    const Result<SandboxExit> exit = process_->Wait(kDeathTimeoutS, {});
    if (!exit.ok()) return died;
    died.signal = exit->signal;
    died.peak_rss_bytes = exit->peak_rss_bytes;
    died.err = exit->err;
    return died;
  }

  int served = 0;

 private:
  Transfer ReceiveBytes(char* data, size_t size, Clock::time_point deadline,
                        const std::stop_token& stop) {
    return TransferAll(socket_.get(), POLLIN, size, deadline, stop, [&](size_t done) {
      return recv(socket_.get(), data + done, size - done, MSG_DONTWAIT);
    });
  }

  std::unique_ptr<SandboxProcess> process_;
  UniqueFd socket_;
};

WorkerPool::WorkerPool(const Sandbox& sandbox, WorkerPoolOptions options)
    : sandbox_(sandbox), options_(std::move(options)) {
  if (options_.workers <= 0) {
    options_.workers = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 2, 16);
  }
}

WorkerPool::~WorkerPool() = default;

Result<std::unique_ptr<WorkerPool>> WorkerPool::Create(const Sandbox& sandbox,
                                                       WorkerPoolOptions options,
                                                       std::stop_token stop) {
  std::unique_ptr<WorkerPool> pool(new WorkerPool(sandbox, std::move(options)));  // private
  if (!pool->options_.executable.empty()) {
    KS_ASSIGN_OR_RETURN(pool->executable_,
                        NewExecutableFile("ksmith-compiler", pool->options_.executable));
  }
  KS_ASSIGN_OR_RETURN(auto first, pool->Start(stop, &pool->greeting_));
  pool->alive_ = 1;
  pool->Return(std::move(first));
  return pool;
}

Result<std::unique_ptr<WorkerPool::Worker>> WorkerPool::Start(const std::stop_token& stop,
                                                              std::string* greeting) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return ErrnoError(errno, "socketpair for a compiler process");
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  SandboxSpec spec = options_.sandbox;
  spec.fds = {theirs.get()};
  spec.exec_fd = executable_.valid() ? executable_.get() : -1;
  spec.capture_output = true;
  KS_ASSIGN_OR_RETURN(auto process, sandbox_.Start(spec));
  auto worker = std::make_unique<Worker>(std::move(process), std::move(ours));
  std::string message;
  const Transfer transfer = worker->Receive(&message, After(options_.start_timeout_s), stop);
  if (transfer == Transfer::kStopped) {
    return Error{ErrorCode::kCancelled, "stopped while a compiler process started"};
  }
  if (transfer == Transfer::kDone && message.starts_with('+')) {
    if (greeting != nullptr) *greeting = message.substr(1);
    return worker;
  }
  std::string reason = message.empty() ? "" : message.substr(1);
  if (transfer != Transfer::kDone) {
    const WorkerDied died = worker->Collect(transfer == Transfer::kTimedOut);
    reason = died.timed_out ? fmt::format("no answer in {} s", options_.start_timeout_s)
                            : fmt::format("signal {}; {}", died.signal, Shorten(died.err, 2000));
  }
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("the {} process does not start: {}", options_.name, reason)};
}

Result<std::unique_ptr<WorkerPool::Worker>> WorkerPool::Take(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  const bool got =
      freed_.wait(lock, stop, [&] { return !idle_.empty() || alive_ < options_.workers; });
  if (!got) return Error{ErrorCode::kCancelled, "stopped while waiting for a compiler process"};
  if (!idle_.empty()) {
    std::unique_ptr<Worker> worker = std::move(idle_.back());
    idle_.pop_back();
    return worker;
  }
  ++alive_;
  lock.unlock();
  auto started = Start(stop, nullptr);
  if (!started.ok()) Return(nullptr);
  return started;
}

void WorkerPool::Return(std::unique_ptr<Worker> worker) {
  {
    const std::lock_guard lock(mutex_);
    if (worker != nullptr && worker->served < options_.requests) {
      idle_.push_back(std::move(worker));
    } else {
      --alive_;
    }
  }
  freed_.notify_one();
}

Result<WorkerPool::Answer> WorkerPool::Ask(std::string_view request, double timeout_s,
                                           std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto worker, Take(stop));
  const Clock::time_point deadline = After(timeout_s);
  std::string answer;
  Transfer transfer = worker->Send(request, deadline, stop);
  if (transfer == Transfer::kDone) transfer = worker->Receive(&answer, deadline, stop);
  ++worker->served;
  if (transfer == Transfer::kDone) {
    Return(std::move(worker));
    return Answer(std::move(answer));
  }
  if (transfer == Transfer::kStopped) {
    worker.reset();
    Return(nullptr);
    return Error{ErrorCode::kCancelled, "stopped while compiling"};
  }
  WorkerDied died = worker->Collect(transfer == Transfer::kTimedOut);
  worker.reset();
  Return(nullptr);
  return Answer(std::move(died));
}

}  // namespace ks
