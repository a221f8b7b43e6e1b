// Ctrl-C and SIGTERM: the first asks to stop, the second ends the program at once.
#ifndef KS_CLI_INTERRUPT_H_
#define KS_CLI_INTERRUPT_H_

#include <stop_token>
#include <string>
#include <thread>

namespace ks {

// While one exists, SIGINT, SIGTERM and SIGHUP do not end the program: the first requests a stop,
// the next prints where to resume and exits with 130. Create it before any other thread, so that
// every thread inherits the blocked signals; at most one at a time.
class InterruptGuard {
 public:
  // `farewell` is written to standard error before the immediate exit.
  explicit InterruptGuard(std::string farewell);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  bool interrupted() const { return source_.stop_requested(); }

 private:
  void Watch();

  const std::string farewell_;
  std::stop_source source_;
  int signal_fd_ = -1;
  int end_fd_ = -1;
  std::thread watcher_;
};

}  // namespace ks

#endif  // KS_CLI_INTERRUPT_H_
