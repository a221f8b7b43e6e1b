#include "net/http_server.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "net/asio.h"

namespace ks {
namespace {

constexpr size_t kMaxWaitingStreamBytes = 1u << 20;
constexpr size_t kMaxDrainedBytes = 8u << 20;
constexpr double kDrainSeconds = 2;
constexpr double kCloseSeconds = 2;
constexpr size_t kMaxTimers = 16;  // of one exchange
constexpr size_t kReadAheadBytes = 64u << 10;

using Parser = http::request_parser<http::string_body>;

std::chrono::nanoseconds Seconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
}

std::string Text(beast::string_view view) { return {view.data(), view.size()}; }

void Configure(Parser& parser, const HttpLimits& limits) {
  parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  parser.body_limit(limits.body_bytes);
}

// Everything but the body and the peer.
Result<HttpRequest> HeadOf(const http::request<http::string_body>& message) {
  HttpRequest request;
  request.method = Text(message.method_string());
  request.target = Text(message.target());
  for (const auto& field : message) {
    request.headers.emplace_back(Text(field.name_string()), Text(field.value()));
  }
  KS_ASSIGN_OR_RETURN(HttpTarget target, ParseTarget(request.target));
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  return request;
}

// The status for what went wrong while reading; 0: there is nobody to answer.
int StatusOf(const BoostError& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  if (error.category() == make_error_code(http::error::bad_method).category()) return 400;
  return 0;
}

class Connection;

// What the connections of one server have in common.
struct Shared {
  explicit Shared(int threads) : context(threads) {}
  asio::io_context context;
  HttpServerOptions options;
  HttpServerHooks hooks;
  std::atomic<bool> stopping = false;
  std::mutex mutex;
  std::condition_variable all_closed;
  std::set<Connection*> open;  // guarded by mutex

  HttpResponse ErrorResponse(int status, const std::string& message) const {
    HttpResponse response = hooks.error(status, message);
    response.status = status;
    return response;
  }
};

enum class Framing { kLength, kChunked, kUntilClose };

std::string Serialized(const HttpResponse& response, bool keep_alive, Framing framing, bool head) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nServer: kernelsmith\r\nConnection: {}\r\n", response.status,
      Text(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)))),
      keep_alive ? "keep-alive" : "close");
  if (!response.content_type.empty()) out += "Content-Type: " + response.content_type + "\r\n";
  for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
  if (framing == Framing::kChunked) out += "Transfer-Encoding: chunked\r\n";
  if (framing == Framing::kLength) {
    out += fmt::format("Content-Length: {}\r\n", response.body.size());
  }
  out += "\r\n";
  if (framing == Framing::kLength && !head) out += response.body;
  return out;
}

class Exchange;

// One client. All private members are touched on its strand only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)),
        stream_(std::move(socket)),
        buffer_(shared_->options.limits.header_bytes + kReadAheadBytes) {
    BoostError ignored;
    const auto endpoint = stream_.socket().remote_endpoint(ignored);
    if (!ignored) peer_ = endpoint.address().to_string();
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    const std::lock_guard lock(shared_->mutex);
    shared_->open.insert(this);
  }
  ~Connection() {
    const std::lock_guard lock(shared_->mutex);
    shared_->open.erase(this);
    if (shared_->open.empty()) shared_->all_closed.notify_all();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start() {
    Post([self = shared_from_this()] { self->ReadHead(); });
  }
  template <typename F>
  void Post(F action) {
    asio::post(stream_.get_executor(), std::move(action));
  }
  auto executor() { return stream_.get_executor(); }
  void CloseIfIdle() {
    if (idle_) Close();
  }
  void Close() {
    closed_ = true;
    BoostError ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
    stream_.close();
    Gone();
  }

  // What the exchange with number `number` wants sent.
  void Answer(uint64_t number, const HttpResponse& response);
  void BeginStream(uint64_t number, const HttpResponse& head);
  void StreamBytes(uint64_t number, std::string bytes, bool last);
  void SetGone(uint64_t number, std::function<void()> action);
  bool IsCurrent(uint64_t number) const { return number == number_ && answering_ && !closed_; }

 private:
  void ReadHead();
  void OnHead(const BoostError& error);
  void ReadBody(HttpRequest head);
  void OnBody(HttpRequest head, const BoostError& error);
  void Handle(HttpRequest request);
  void Refuse(int status, const std::string& message) {
    RefuseWith(shared_->ErrorResponse(status, message));
  }
  // Answers and closes, leaving the rest of the request unread.
  void RefuseWith(const HttpResponse& response);
  void Drain(size_t left);
  void WatchForEnd();
  void Gone();
  void SendNext();
  void OnSent(const BoostError& error);
  void Finished();

  const std::shared_ptr<Shared> shared_;  // holds the context of stream_: destroyed after it
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::string peer_;
  std::optional<Parser> parser_;
  uint64_t number_ = 0;     // of the exchange
  bool idle_ = true;        // no request, or only a part of one, was read
  bool answering_ = false;  // an exchange is open
  bool streaming_ = false;
  bool chunks_ = true;  // the client knows them: HTTP/1.1
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool closed_ = false;
  bool sending_ = false;
  bool last_queued_ = false;  // the end of the answer is in outgoing_
  std::deque<std::string> outgoing_;
  std::function<void()> on_gone_;
  std::shared_ptr<std::atomic<bool>> gone_;  // shared with the exchange
};

class Exchange final : public HttpExchange, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Connection> connection, uint64_t number, HttpRequest request,
           std::shared_ptr<Shared> shared, std::shared_ptr<std::atomic<bool>> gone)
      : shared_(std::move(shared)),
        connection_(std::move(connection)),
        number_(number),
        request_(std::move(request)),
        gone_(std::move(gone)) {}
  ~Exchange() override {
    if (!begun_.exchange(true)) {
      Send(shared_->ErrorResponse(500, "the request was dropped: a fault of the server"));
    } else if (stream_open_) {
      Chunk("", true);
    }
    // A timer of a poll that was answered early must not keep memory until it would have fired.
    connection_->Post([timers = std::move(timers_)] {
      for (const auto& timer : timers) timer->cancel();
    });
  }
  const HttpRequest& request() const override { return request_; }
  void Reply(HttpResponse response) override {
    if (!begun_.exchange(true)) Send(std::move(response));
  }
  void BeginStream(HttpResponse head) override {
    if (begun_.exchange(true)) return;
    stream_open_ = true;
    connection_->Post(
        [c = connection_, n = number_, head = std::move(head)] { c->BeginStream(n, head); });
  }
  bool Write(std::string bytes) override {
    if (!stream_open_ || gone_->load()) return false;
    if (!bytes.empty()) Chunk(std::move(bytes), false);
    return true;
  }
  void EndStream() override {
    if (stream_open_.exchange(false)) Chunk("", true);
  }
  void After(double seconds, std::function<void()> action) override {
    auto timer = std::make_shared<asio::steady_timer>(connection_->executor(), Seconds(seconds));
    timer->async_wait(
        [timer, weak = weak_from_this(), action = std::move(action)](const BoostError& error) {
          const auto self = weak.lock();
          if (!error && self != nullptr && !self->gone_->load()) action();
        });
    const std::lock_guard lock(timers_mutex_);
    timers_.push_back(std::move(timer));
    if (timers_.size() > kMaxTimers) timers_.erase(timers_.begin());  // it has fired long ago
  }
  void OnGone(std::function<void()> action) override {
    connection_->Post(
        [c = connection_, n = number_, action = std::move(action)] { c->SetGone(n, action); });
  }

 private:
  void Send(HttpResponse response) {
    connection_->Post(
        [c = connection_, n = number_, response = std::move(response)] { c->Answer(n, response); });
  }
  void Chunk(std::string bytes, bool last) {
    connection_->Post([c = connection_, n = number_, bytes = std::move(bytes), last] {
      c->StreamBytes(n, bytes, last);
    });
  }

  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<Connection> connection_;
  const uint64_t number_;
  const HttpRequest request_;
  std::atomic<bool> begun_ = false;
  std::atomic<bool> stream_open_ = false;
  const std::shared_ptr<std::atomic<bool>> gone_;
  std::mutex timers_mutex_;
  std::vector<std::shared_ptr<asio::steady_timer>> timers_;  // guarded by timers_mutex_
};

void Connection::ReadHead() {
  if (closed_ || shared_->stopping) return Close();
  idle_ = true;
  parser_.emplace();
  Configure(*parser_, shared_->options.limits);
  // One deadline for the whole head: a client that sends a byte now and then gains nothing.
  stream_.expires_after(Seconds(shared_->options.request_timeout_s));
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](const BoostError& error, size_t) { self->OnHead(error); });
}

void Connection::OnHead(const BoostError& error) {
  idle_ = false;
  if (error) {
    const int status = StatusOf(error);
    if (status == 0) return Close();
    return Refuse(status, "the request cannot be read: " + error.message());
  }
  keep_alive_ = parser_->keep_alive();
  chunks_ = parser_->get().version() >= 11;
  head_only_ = parser_->get().method() == http::verb::head;
  Result<HttpRequest> head = HeadOf(parser_->get());
  if (!head.ok()) return Refuse(400, head.error().message);
  head->peer = peer_;
  if (const std::optional<HttpResponse> refusal = shared_->hooks.admit(*head)) {
    return RefuseWith(*refusal);
  }
  if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    auto text = std::make_shared<std::string>("HTTP/1.1 100 Continue\r\n\r\n");
    stream_.expires_after(Seconds(shared_->options.write_timeout_s));
    asio::async_write(stream_, asio::buffer(*text),
                      [self = shared_from_this(), text, request = *std::move(head)](
                          const BoostError& failed, size_t) {
                        failed ? self->Close() : self->ReadBody(request);
                      });
    return;
  }
  ReadBody(*std::move(head));
}

void Connection::ReadBody(HttpRequest head) {
  stream_.expires_after(Seconds(shared_->options.body_timeout_s));
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this(), head = std::move(head)](
                       const BoostError& error, size_t) { self->OnBody(head, error); });
}

void Connection::OnBody(HttpRequest head, const BoostError& error) {
  if (error) {
    const int status = StatusOf(error);
    if (status == 0) return Close();
    return Refuse(status, "the body cannot be read: " + error.message());
  }
  head.body = std::move(parser_->get().body());
  parser_.reset();
  Handle(std::move(head));
}

void Connection::Handle(HttpRequest request) {
  ++number_;
  answering_ = true;
  streaming_ = last_queued_ = false;
  stream_.expires_never();
  gone_ = std::make_shared<std::atomic<bool>>(false);
  auto exchange =
      std::make_shared<Exchange>(shared_from_this(), number_, std::move(request), shared_, gone_);
  WatchForEnd();
  try {
    shared_->hooks.handle(std::move(exchange));
  } catch (const std::exception& error) {  // the dropped exchange answers 500
    std::fprintf(stderr, "ksmith: a request handler failed: %s\n", error.what());
  }
}

// The socket becomes readable when the client closes it, or sends the next request early.
void Connection::WatchForEnd() {
  stream_.socket().async_wait(tcp::socket::wait_read, [self = shared_from_this(),
                                                       number = number_](const BoostError& error) {
    if (error || !self->IsCurrent(number)) return;
    char byte = 0;
    const ssize_t n =
        ::recv(self->stream_.socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)) self->Close();
    if (n < 0 && !self->closed_) self->WatchForEnd();
  });
}

void Connection::Gone() {
  answering_ = false;
  if (gone_ != nullptr) gone_->store(true);
  if (const auto action = std::exchange(on_gone_, nullptr)) action();
}

void Connection::SetGone(uint64_t number, std::function<void()> action) {
  if (number != number_) return;
  if (closed_) return action();
  if (answering_) on_gone_ = std::move(action);
}

void Connection::Answer(uint64_t number, const HttpResponse& response) {
  if (!IsCurrent(number)) return;
  keep_alive_ = keep_alive_ && !shared_->stopping;
  outgoing_.push_back(Serialized(response, keep_alive_, Framing::kLength, head_only_));
  last_queued_ = true;
  SendNext();
}

void Connection::BeginStream(uint64_t number, const HttpResponse& head) {
  if (!IsCurrent(number)) return;
  streaming_ = true;
  keep_alive_ = keep_alive_ && chunks_ && !shared_->stopping;
  outgoing_.push_back(Serialized(head, keep_alive_,
                                 chunks_ ? Framing::kChunked : Framing::kUntilClose, head_only_));
  SendNext();
}

void Connection::StreamBytes(uint64_t number, std::string bytes, bool last) {
  if (!IsCurrent(number) || !streaming_ || last_queued_) return;
  size_t waiting = bytes.size();
  for (const std::string& one : outgoing_) waiting += one.size();
  if (waiting > kMaxWaitingStreamBytes) return Close();
  if (!bytes.empty()) {
    outgoing_.push_back(chunks_ ? fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes)
                                : std::move(bytes));
  }
  last_queued_ = last;
  if (last && chunks_) outgoing_.push_back("0\r\n\r\n");
  if (last && outgoing_.empty() && !sending_) return Finished();
  SendNext();
}

void Connection::SendNext() {
  if (sending_ || closed_ || outgoing_.empty()) return;
  sending_ = true;
  stream_.expires_after(Seconds(shared_->options.write_timeout_s));
  asio::async_write(
      stream_, asio::buffer(outgoing_.front()),
      [self = shared_from_this()](const BoostError& error, size_t) { self->OnSent(error); });
}

void Connection::OnSent(const BoostError& error) {
  sending_ = false;
  if (closed_) return;
  if (error) return Close();
  outgoing_.pop_front();
  if (!outgoing_.empty()) return SendNext();
  stream_.expires_never();
  if (last_queued_) Finished();
}

void Connection::Finished() {
  answering_ = false;
  on_gone_ = nullptr;
  if (keep_alive_ && !shared_->stopping) return ReadHead();
  BoostError ignored;
  stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  Drain(kMaxDrainedBytes);
}

void Connection::RefuseWith(const HttpResponse& response) {
  keep_alive_ = false;
  last_queued_ = true;
  outgoing_.push_back(Serialized(response, false, Framing::kLength, head_only_));
  SendNext();
}

// Reads on for a moment: closing with unread bytes would take the answer away from the client.
void Connection::Drain(size_t left) {
  buffer_.clear();
  stream_.expires_after(Seconds(kDrainSeconds));
  stream_.async_read_some(buffer_.prepare(kReadAheadBytes / 4),
                          [self = shared_from_this(), left](const BoostError& error, size_t n) {
                            if (error || n >= left || self->closed_) return self->Close();
                            self->Drain(left - n);
                          });
}

class Server final : public HttpServer {
 public:
  Server(const HttpServerOptions& options, HttpServerHooks hooks)
      : shared_(std::make_shared<Shared>(std::max(1, options.threads))),
        work_(asio::make_work_guard(shared_->context)),
        acceptor_(asio::make_strand(shared_->context)),
        retry_(acceptor_.get_executor()) {
    shared_->options = options;
    shared_->hooks = std::move(hooks);
  }
  ~Server() override { Stop(0); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status Listen() {
    const HttpServerOptions& options = shared_->options;
    BoostError error;
    const std::string literal = options.address == "localhost" ? "127.0.0.1" : options.address;
    const auto address = asio::ip::make_address(literal, error);
    if (error) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("'{}' is no IP address to listen on", options.address)};
    }
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("cannot listen on {} port {}: {}; choose another --port",
                               options.address, options.port, error.message())};
    }
    port_ = acceptor_.local_endpoint(error).port();
    return {};
  }
  void Run() {
    Accept();
    for (int i = 0; i < std::max(1, shared_->options.threads); ++i) {
      threads_.emplace_back([this] { shared_->context.run(); });
    }
  }
  uint16_t port() const override { return port_; }
  size_t connections() const override {
    const std::lock_guard lock(shared_->mutex);
    return shared_->open.size();
  }
  void Stop(double grace_s) override {
    if (shared_->stopping.exchange(true) && threads_.empty()) return;
    asio::post(acceptor_.get_executor(), [this] {
      BoostError ignored;
      acceptor_.close(ignored);
      retry_.cancel();
    });
    ForEach([](Connection& connection) { connection.CloseIfIdle(); });
    WaitUntilClosed(grace_s);
    ForEach([](Connection& connection) { connection.Close(); });
    WaitUntilClosed(kCloseSeconds);
    work_.reset();
    shared_->context.stop();
    threads_.clear();
  }

 private:
  void WaitUntilClosed(double seconds) {
    std::unique_lock lock(shared_->mutex);
    shared_->all_closed.wait_for(lock, Seconds(seconds), [&] { return shared_->open.empty(); });
  }
  // Keeps each connection alive until the action has run on its strand.
  void ForEach(const std::function<void(Connection&)>& action) {
    std::vector<std::shared_ptr<Connection>> connections;  // released without the lock
    {
      const std::lock_guard lock(shared_->mutex);
      for (Connection* connection : shared_->open) {
        if (auto alive = connection->weak_from_this().lock()) {
          connections.push_back(std::move(alive));
        }
      }
    }
    for (const auto& connection : connections) {
      connection->Post([connection, action] { action(*connection); });
    }
  }
  void Accept() {
    acceptor_.async_accept(asio::make_strand(shared_->context),
                           [this](const BoostError& error, tcp::socket socket) {
                             OnAccept(error, std::move(socket));
                           });
  }
  void OnAccept(const BoostError& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    if (error) {  // out of descriptors: wait a little
      retry_.expires_after(std::chrono::milliseconds(100));
      retry_.async_wait([this](const BoostError& cancelled) {
        if (!cancelled) Accept();
      });
      return;
    }
    if (connections() < shared_->options.max_connections) {
      std::make_shared<Connection>(std::move(socket), shared_)->Start();
    } else {
      HttpResponse full = shared_->ErrorResponse(503, "too many connections: try again later");
      full.headers.emplace_back("Retry-After", "1");
      BoostError ignored;
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(Serialized(full, false, Framing::kLength, false)), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
    }
    Accept();
  }

  const std::shared_ptr<Shared> shared_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_;  // on the acceptor's strand
  uint16_t port_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                      HttpServerHooks hooks) {
  auto server = std::make_unique<Server>(options, std::move(hooks));
  KS_RETURN_IF_ERROR(server->Listen());
  server->Run();
  return std::unique_ptr<HttpServer>(std::move(server));
}

Result<HttpRequest> ParseHttpRequest(std::string_view bytes, const HttpLimits& limits) {
  Parser parser;
  Configure(parser, limits);
  parser.eager(true);
  BoostError error;
  size_t used = 0;
  while (used < bytes.size() && !parser.is_done()) {
    const size_t n = parser.put(asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += n;
    if (error == http::error::need_more || (!error && n == 0)) break;
    if (error) {
      const int status = StatusOf(error);
      return Error{status == 413 || status == 431 ? ErrorCode::kResourceExhausted
                                                  : ErrorCode::kInvalidArgument,
                   error.message()};
    }
  }
  if (!parser.is_done()) return Error{ErrorCode::kUnavailable, "the request is not complete"};
  KS_ASSIGN_OR_RETURN(HttpRequest request, HeadOf(parser.get()));
  request.body = std::move(parser.get().body());
  return request;
}

}  // namespace ks
