// The socket of a process that runs a PyTorch module: JSON both ways, files too.
//
// A message is 8 bytes of length, then the text; python/kernelsmith/modules/channel.py is the other
// end. What a candidate's process says is data of a stranger: any bytes can come.
#ifndef KS_BACKEND_TORCH_MODULE_CHANNEL_H_
#define KS_BACKEND_TORCH_MODULE_CHANNEL_H_

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "sandbox/unique_fd.h"

namespace ks {

inline constexpr uint64_t kMaxModuleMessageBytes = uint64_t{4} << 20;  // towards us

// Instead of an answer: the process said nothing in time, or closed its end.
struct ModuleSilence {
  bool timed_out = false;
};

// Single thread.
class ModuleChannel {
 public:
  using Answer = std::variant<std::string, ModuleSilence>;

  // Files that the other end sends are kept only where `takes_files` says so: at most 8 a message.
  explicit ModuleChannel(UniqueFd socket, bool takes_files = false)
      : socket_(std::move(socket)), takes_files_(takes_files) {}

  // Sends a message with at most 8 files, and waits for the next message. ERRORS: kCancelled.
  Result<Answer> Ask(std::string_view message, std::span<const int> files, double timeout_s,
                     std::stop_token stop);
  // Waits for a message. ERRORS: kCancelled.
  Result<Answer> Receive(double timeout_s, std::stop_token stop);
  // Those that came with the last answer.
  std::vector<UniqueFd> TakeFiles() { return std::exchange(files_, {}); }

 private:
  ssize_t ReceiveSome(char* data, size_t bytes);

  UniqueFd socket_;
  const bool takes_files_;
  std::vector<UniqueFd> files_;
};

// Two ends of a new socket: ours and the one to hand over. ERRORS: as ErrnoError.
Result<std::pair<UniqueFd, UniqueFd>> NewModuleSocket();

}  // namespace ks

#endif  // KS_BACKEND_TORCH_MODULE_CHANNEL_H_
