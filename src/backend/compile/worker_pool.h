// Warm compiler processes: each is sandboxed (no device, no network, no host files but those
// mounted) and answers one request after the other over a socket, a length in front of each
// message.
#ifndef KS_BACKEND_COMPILE_WORKER_POOL_H_
#define KS_BACKEND_COMPILE_WORKER_POOL_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace ks {

inline constexpr int kWorkerSocket = 3;  // inside
inline constexpr uint64_t kMaxWorkerMessageBytes = uint64_t{256} << 20;

struct WorkerPoolOptions {
  // `fds` and `exec_fd` are the pool's to fill. What `files` point at lives as long as the pool.
  SandboxSpec sandbox;
  std::string_view executable;  // bytes to run; empty: sandbox.argv[0]
  std::string name;             // for messages: "nvrtc"
  int workers = 0;              // most at a time; 0: one a core, 2 to 16
  int requests = 500;           // served by one process, then it is replaced
  double start_timeout_s = 60;
};

// How a worker ended instead of answering.
struct WorkerDied {
  bool timed_out = false;
  int signal = 0;
  int64_t peak_rss_bytes = 0;
  std::string err;
};

// Thread-safe. The sandbox outlives it. Processes are started when they are needed.
class WorkerPool {
 public:
  using Answer = std::variant<std::string, WorkerDied>;

  // Starts the first worker and waits for its greeting. ERRORS: kFailedPrecondition with what the
  // worker said.
  static Result<std::unique_ptr<WorkerPool>> Create(const Sandbox& sandbox,
                                                    WorkerPoolOptions options,
                                                    std::stop_token stop);
  ~WorkerPool();

  // The first message of the first worker, after its status.
  const std::string& greeting() const { return greeting_; }
  // Most processes at a time.
  int workers() const { return options_.workers; }
  // Asks a free worker, after waiting for one. A worker that dies is replaced by the next call.
  // `timeout_s` counts from when it has the request. ERRORS: kCancelled; as Sandbox::Start.
  Result<Answer> Ask(std::string_view request, double timeout_s, std::stop_token stop);

 private:
  class Worker;

  WorkerPool(const Sandbox& sandbox, WorkerPoolOptions options);
  Result<std::unique_ptr<Worker>> Start(const std::stop_token& stop, std::string* greeting);
  Result<std::unique_ptr<Worker>> Take(const std::stop_token& stop);
  void Return(std::unique_ptr<Worker> worker);  // null: it died

  const Sandbox& sandbox_;
  WorkerPoolOptions options_;  // constant after Create
  UniqueFd executable_;        // constant after Create
  std::string greeting_;       // constant after Create

  std::mutex mutex_;  // guards both below
  std::condition_variable_any freed_;
  std::vector<std::unique_ptr<Worker>> idle_;
  int alive_ = 0;
};

// Messages of the two ends of a worker's socket: 8 bytes of length, then the bytes.
// A greeting begins with '+' (ready) or '-' (cannot work: the rest says why).

}  // namespace ks

#endif  // KS_BACKEND_COMPILE_WORKER_POOL_H_
