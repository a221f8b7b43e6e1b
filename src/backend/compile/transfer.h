// Whole messages over a socket that does not block, with a deadline and a stop token.
#ifndef KS_BACKEND_COMPILE_TRANSFER_H_
#define KS_BACKEND_COMPILE_TRANSFER_H_

#include <poll.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <stop_token>

namespace ks {

using SteadyTime = std::chrono::steady_clock::time_point;

// That many seconds from now; at most some months.
inline SteadyTime After(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(
             std::chrono::duration<double>(std::min(seconds, 1e7)));
}

// kClosed: the other side went away, or the socket failed.
enum class Transfer { kDone, kTimedOut, kClosed, kStopped };

// Calls `step` (send or recv from byte `done` on; returns as they do) until `bytes` are through,
// waiting for `event` (POLLIN or POLLOUT) in between. A stop request is seen within 20 ms.
template <typename Step>
Transfer TransferAll(int fd, short event, size_t bytes, SteadyTime deadline,
                     const std::stop_token& stop, Step&& step) {
  constexpr int kPollSliceMs = 20;
  size_t done = 0;
  while (done < bytes) {
    if (stop.stop_requested()) return Transfer::kStopped;
    const ssize_t n = step(done);
    if (n > 0) {
      done += static_cast<size_t>(n);
      continue;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) return Transfer::kClosed;
    if (std::chrono::steady_clock::now() >= deadline) return Transfer::kTimedOut;
    pollfd ready = {fd, event, 0};
    poll(&ready, 1, kPollSliceMs);
  }
  return Transfer::kDone;
}

}  // namespace ks

#endif  // KS_BACKEND_COMPILE_TRANSFER_H_
