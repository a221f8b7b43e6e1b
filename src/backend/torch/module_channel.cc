#include "backend/torch/module_channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "backend/compile/transfer.h"
#include "base/check.h"
#include "base/file.h"

namespace ks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostFiles = 8;

// Bytes with files beside the first of them.
ssize_t SendWithFiles(int socket, std::string_view bytes, std::span<const int> files) {
  iovec part = {const_cast<char*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFiles * sizeof(int))> control{};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!files.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(files.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(files.size_bytes());
    std::memcpy(CMSG_DATA(header), files.data(), files.size_bytes());
  }
  return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

Result<ModuleChannel::Answer> Silent(Transfer transfer) {
  if (transfer == Transfer::kStopped) {
    return Error{ErrorCode::kCancelled, "stopped while a module ran"};
  }
  return ModuleChannel::Answer(ModuleSilence{transfer == Transfer::kTimedOut});
}

}  // namespace

Result<ModuleChannel::Answer> ModuleChannel::Ask(std::string_view message,
                                                 std::span<const int> files, double timeout_s,
                                                 std::stop_token stop) {
  KS_CHECK(files.size() <= kMostFiles);
  const Clock::time_point deadline = After(timeout_s);
  const uint64_t size = message.size();
  std::string bytes(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += message;
  const Transfer transfer =
      TransferAll(socket_.get(), POLLOUT, bytes.size(), deadline, stop, [&](size_t done) {
        const std::string_view rest = std::string_view(bytes).substr(done);
        return SendWithFiles(socket_.get(), rest, done == 0 ? files : std::span<const int>());
      });
  if (transfer != Transfer::kDone) return Silent(transfer);
  return Receive(std::chrono::duration<double>(deadline - Clock::now()).count(), std::move(stop));
}

Result<ModuleChannel::Answer> ModuleChannel::Receive(double timeout_s, std::stop_token stop) {
  const Clock::time_point deadline = After(timeout_s);
  files_.clear();
  const auto receive = [&](char* data, size_t bytes) {
    return TransferAll(socket_.get(), POLLIN, bytes, deadline, stop,
                       [&](size_t done) { return ReceiveSome(data + done, bytes - done); });
  };
  uint64_t size = 0;
  Transfer transfer = receive(reinterpret_cast<char*>(&size), sizeof size);
  if (transfer != Transfer::kDone) return Silent(transfer);
  if (size > kMaxModuleMessageBytes) return Answer(ModuleSilence{});
  std::string text(size, '\0');
  transfer = receive(text.data(), text.size());
  if (transfer != Transfer::kDone) return Silent(transfer);
  return Answer(std::move(text));
}

ssize_t ModuleChannel::ReceiveSome(char* data, size_t bytes) {
  if (!takes_files_) return recv(socket_.get(), data, bytes, MSG_DONTWAIT);
  iovec part = {data, bytes};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostFiles * sizeof(int))> control{};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t received = recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (received < 0) return received;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int file = -1;
      std::memcpy(&file, CMSG_DATA(header) + i * sizeof file, sizeof file);
      UniqueFd owned(file);
      if (files_.size() < kMostFiles) files_.push_back(std::move(owned));
    }
  }
  return received;
}

Result<std::pair<UniqueFd, UniqueFd>> NewModuleSocket() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return ErrnoError(errno, "socketpair for a module's process");
  }
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

}  // namespace ks
