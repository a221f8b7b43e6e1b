// A client that sends what no honest client would.
#ifndef KS_TESTS_NET_RAW_CLIENT_H_
#define KS_TESTS_NET_RAW_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

#include "base/check.h"

namespace ks {

class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    KS_CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // False: the other side has closed.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  // All until the other side closes, or `seconds` have passed without a byte.
  std::string ReadAll(double seconds = 20) {
    std::string text;
    while (ReadMore(text, seconds)) {
    }
    return text;
  }
  // Until `text` holds `word`.
  std::string ReadUntil(std::string_view word, double seconds = 20) {
    std::string text;
    while (text.find(word) == text.npos && ReadMore(text, seconds)) {
    }
    return text;
  }
  // True once the other side has closed.
  bool Closed(double seconds = 20) {
    pollfd wait{fd_, POLLIN, 0};
    char byte = 0;
    return poll(&wait, 1, static_cast<int>(seconds * 1000)) == 1 && recv(fd_, &byte, 1, 0) <= 0;
  }

 private:
  bool ReadMore(std::string& text, double seconds) {
    pollfd wait{fd_, POLLIN, 0};
    if (poll(&wait, 1, static_cast<int>(seconds * 1000)) != 1) return false;
    char bytes[4096];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    text.append(bytes, static_cast<size_t>(n));
    return true;
  }
  const int fd_;
};

}  // namespace ks

#endif  // KS_TESTS_NET_RAW_CLIENT_H_
