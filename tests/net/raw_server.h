// A server that says what no honest server would: one connection at a time, handled by a function.
#ifndef KS_TESTS_NET_RAW_SERVER_H_
#define KS_TESTS_NET_RAW_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/check.h"

namespace ks {

// `serve` gets the socket of one connection after the other; it is closed afterwards.
class RawServer {
 public:
  explicit RawServer(std::function<void(int fd)> serve)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    KS_CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0 && listen(fd_, 8) == 0);
    KS_CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, serve = std::move(serve)] {
      for (int one = 0; (one = accept(fd_, nullptr, nullptr)) >= 0;) {
        serve(one);
        close(one);
      }
    });
  }
  ~RawServer() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  int port() const { return port_; }

  // What arrives until `word` was read, or the other side closed.
  static std::string ReadUntil(int fd, std::string_view word) {
    std::string text;
    char piece[4096];
    for (ssize_t n = 0;
         text.find(word) == text.npos && (n = recv(fd, piece, sizeof piece, 0)) > 0;) {
      text.append(piece, static_cast<size_t>(n));
    }
    return text;
  }
  static void Say(int fd, std::string_view text) {
    KS_CHECK(send(fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0);
  }

 private:
  int fd_;
  int port_ = 0;
  std::jthread thread_;
};

}  // namespace ks

#endif  // KS_TESTS_NET_RAW_SERVER_H_
