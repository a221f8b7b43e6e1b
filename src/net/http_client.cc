#include "net/http_client.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <boost/asio/ssl.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "net/asio.h"

namespace ks {
namespace {

using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kPieceBytes = 32u << 10;
// Where distributions keep the certificates they trust; OpenSSL's own default comes first.
constexpr const char* kCertificateFiles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                             "/etc/pki/tls/certs/ca-bundle.crt",
                                             "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

std::string Text(beast::string_view view) { return {view.data(), view.size()}; }

// No limit: far away.
SteadyClock::time_point After(double seconds) {
  constexpr double kLongest = 1e8;
  return SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                  std::chrono::duration<double>(std::min(seconds, kLongest)));
}

// A socket, plain or with TLS, and the loop that drives it. Single thread.
class Line {
 public:
  // `proxy` may be null.
  Line(const HttpUrl& url, const HttpProxy* proxy, asio::ssl::context* tls)
      : url_(url), proxy_(proxy) {
    if (tls != nullptr) {
      stream_.emplace<TlsStream>(context_, *tls);
    } else {
      stream_.emplace<beast::tcp_stream>(context_);
    }
  }

  // The deadline and stop request of everything that follows.
  void Begin(SteadyClock::time_point deadline, std::stop_token stop) {
    deadline_ = deadline;
    stop_ = std::move(stop);
  }
  void SetDeadline(SteadyClock::time_point deadline) { deadline_ = deadline; }
  // A limit of single steps beside the deadline; 0: none.
  void SetStepTimeout(double seconds) { step_timeout_s_ = seconds; }
  // The last step ended because its time was over.
  bool late() const { return late_; }

  Status Connect() {
    KS_ASSIGN_OR_RETURN(const auto endpoints, Resolve());
    BoostError failed;
    KS_RETURN_IF_ERROR(Run("connect", failed, [&](auto done) {
      Tcp().async_connect(endpoints,
                          [done](const BoostError& error, const tcp::endpoint&) { done(error); });
    }));
    BoostError ignored;
    Tcp().socket().set_option(tcp::no_delay(true), ignored);
    if (!std::holds_alternative<TlsStream>(stream_)) return {};
    if (proxy_ != nullptr) KS_RETURN_IF_ERROR(OpenTunnel());
    return Handshake();
  }
  template <typename Message>
  Status Write(Message& message) {
    BoostError failed;
    return Run("send", failed, [&](auto done) {
      WithStream([&](auto& stream) {
        http::async_write(stream, message,
                          [done](const BoostError& error, size_t) { done(error); });
      });
    });
  }
  template <typename Parser>
  Status ReadHeader(Parser& parser) {
    BoostError failed;
    return Run("read", failed, [&](auto done) {
      WithStream([&](auto& stream) {
        http::async_read_header(stream, buffer_, parser,
                                [done](const BoostError& error, size_t) { done(error); });
      });
    });
  }
  // `failed` is what ended the step; need_buffer is not an error.
  template <typename Parser>
  Status ReadSome(Parser& parser, BoostError& failed) {
    return Run("read", failed, [&](auto done) {
      WithStream([&](auto& stream) {
        http::async_read_some(stream, buffer_, parser,
                              [done](const BoostError& error, size_t) { done(error); });
      });
    });
  }

 private:
  template <typename F>
  void WithStream(F action) {
    if (auto* tls = std::get_if<TlsStream>(&stream_)) return action(*tls);
    action(std::get<beast::tcp_stream>(stream_));
  }
  beast::tcp_stream& Tcp() {
    if (auto* tls = std::get_if<TlsStream>(&stream_)) return beast::get_lowest_layer(*tls);
    return std::get<beast::tcp_stream>(stream_);
  }
  std::string Server() const { return fmt::format("{}:{}", url_.host, url_.port); }
  std::string Authority() const {
    const bool v6 = url_.host.find(':') != std::string::npos;
    return fmt::format("{}:{}", v6 ? "[" + url_.host + "]" : url_.host, url_.port);
  }
  Error Unavailable(const char* doing, const std::string& why) const {
    return {ErrorCode::kUnavailable, fmt::format("{}: cannot {}: {}", Server(), doing, why)};
  }

  Result<std::vector<tcp::endpoint>> Resolve() {
    BoostError failed;
    const std::string& host = proxy_ != nullptr ? proxy_->host : url_.host;
    const uint16_t port = proxy_ != nullptr ? proxy_->port : url_.port;
    const auto literal = asio::ip::make_address(host, failed);
    if (!failed) return std::vector<tcp::endpoint>{{literal, port}};
    tcp::resolver resolver(context_);
    std::vector<tcp::endpoint> endpoints;
    KS_RETURN_IF_ERROR(Run("find this host", failed, [&](auto done) {
      resolver.async_resolve(host, std::to_string(port),
                             [&endpoints, done](const BoostError& error, const auto& results) {
                               for (const auto& one : results) endpoints.push_back(one.endpoint());
                               done(error);
                             });
    }));
    return endpoints;
  }

  // CONNECT host:port (RFC 9110, section 9.3.6).
  Status OpenTunnel() {
    http::request<http::empty_body> ask(http::verb::connect, Authority(), 11);
    ask.set(http::field::host, Authority());
    if (!proxy_->authorization.empty()) {
      ask.set(http::field::proxy_authorization, proxy_->authorization);
    }
    BoostError failed;
    KS_RETURN_IF_ERROR(Run("ask the proxy", failed, [&](auto done) {
      http::async_write(Tcp(), ask, [done](const BoostError& error, size_t) { done(error); });
    }));
    http::response_parser<http::empty_body> answer;
    answer.skip(true);  // what follows the head is the other server's
    KS_RETURN_IF_ERROR(Run("ask the proxy", failed, [&](auto done) {
      http::async_read_header(Tcp(), buffer_, answer,
                              [done](const BoostError& error, size_t) { done(error); });
    }));
    if (answer.get().result_int() == 200) return {};
    return Unavailable("connect through the proxy",
                       fmt::format("it answers {}", answer.get().result_int()));
  }

  Status Handshake() {
    TlsStream& stream = std::get<TlsStream>(stream_);
    SSL_set_tlsext_host_name(stream.native_handle(), url_.host.c_str());
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification(url_.host));
    BoostError failed;
    Status status = Run("agree on TLS", failed, [&](auto done) {
      stream.async_handshake(asio::ssl::stream_base::client,
                             [done](const BoostError& error) { done(error); });
    });
    if (status.ok() || failed.category() != asio::error::get_ssl_category()) return status;
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{}: TLS failed: {}", Server(), failed.message())};
  }

  // Starts one operation and drives the loop until it is done, stopped or late.
  template <typename F>
  Status Run(const char* doing, BoostError& failed, F start) {
    bool finished = false;
    Tcp().expires_never();
    start([&](const BoostError& error) {
      failed = error;
      finished = true;
    });
    context_.restart();
    // Wakes the loop below; a stop request may come from any thread.
    const std::stop_callback wake(stop_, [this] { asio::post(context_, [] {}); });
    const SteadyClock::time_point until =
        step_timeout_s_ > 0 ? std::min(deadline_, After(step_timeout_s_)) : deadline_;
    bool stopped = false;
    late_ = false;
    while (!finished) {  // NOLINT(bugprone-infinite-loop): the handler above sets it
      stopped = stop_.stop_requested();
      late_ = SteadyClock::now() >= until;
      if (stopped || late_) {
        Tcp().close();
        context_.run();
        break;
      }
      context_.run_one_until(until);
    }
    if (stopped) return Error{ErrorCode::kCancelled, "stopped"};
    if (late_) return Unavailable(doing, "no answer in time");
    if (!failed || failed == http::error::need_buffer) return {};
    if (failed == http::error::header_limit || failed == http::error::body_limit) {
      return Error{ErrorCode::kResourceExhausted,
                   fmt::format("{}: the answer is too large", Server())};
    }
    return Unavailable(doing, failed.message());
  }

  const HttpUrl& url_;
  const HttpProxy* const proxy_;
  asio::io_context context_;
  std::variant<std::monostate, beast::tcp_stream, TlsStream> stream_;
  beast::flat_buffer buffer_;
  SteadyClock::time_point deadline_;
  double step_timeout_s_ = 0;
  bool late_ = false;
  std::stop_token stop_;
};

class Client final : public HttpClient {
 public:
  Client(HttpUrl url, HttpClientOptions options)
      : url_(std::move(url)),
        options_(std::move(options)),
        server_(fmt::format("{}://{}:{}", url_.tls ? "https" : "http", Host(), url_.port)) {}

  Status Prepare() {
    if (!options_.proxy.empty()) {
      KS_ASSIGN_OR_RETURN(proxy_, ParseProxy(options_.proxy));
    }
    return PrepareTls();
  }

  Status PrepareTls() {
    if (!url_.tls) return {};
    tls_.emplace(asio::ssl::context::tls_client);
    BoostError ignored;
    tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                      asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1);
    tls_->set_default_verify_paths(ignored);
    for (const char* file : kCertificateFiles) {
      std::error_code missing;
      if (std::filesystem::exists(file, missing)) tls_->load_verify_file(file, ignored);
    }
    if (options_.ca_file.empty()) return {};
    BoostError failed;
    tls_->load_verify_file(options_.ca_file, failed);
    if (!failed) return {};
    return Error{ErrorCode::kInvalidArgument, fmt::format("{}: no readable certificates: {}",
                                                          options_.ca_file, failed.message())};
  }

  Result<HttpResponse> Send(const HttpCall& call, std::stop_token stop) override {
    const SteadyClock::time_point deadline = After(call.timeout_s);
    if (std::unique_ptr<Line> kept = call.idempotent ? TakeIdle() : nullptr) {
      kept->Begin(deadline, stop);
      bool answered = false;
      Result<HttpResponse> response = Exchange(call, kept, answered);
      // The server may have closed it just now; a fresh connection tells.
      if (response.ok() || answered || response.error().code != ErrorCode::kUnavailable ||
          kept->late()) {
        return response;
      }
    }
    auto line = std::make_unique<Line>(url_, proxy_ ? &*proxy_ : nullptr, tls_ ? &*tls_ : nullptr);
    line->Begin(std::min(deadline, After(options_.connect_timeout_s)), std::move(stop));
    KS_RETURN_IF_ERROR(line->Connect());
    line->SetDeadline(deadline);
    bool answered = false;
    return Exchange(call, line, answered);
  }
  const std::string& server() const override { return server_; }

 private:
  std::string Host() const {
    return url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]";
  }
  std::unique_ptr<Line> TakeIdle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Line> line = std::move(idle_.back());
    idle_.pop_back();
    return line;
  }
  void PutIdle(std::unique_ptr<Line> line) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < options_.max_idle_connections) idle_.push_back(std::move(line));
  }

  http::request<http::string_body> Message(const HttpCall& call) const {
    http::request<http::string_body> message;
    message.method_string(call.method);
    // A proxy that sees the request needs the whole address.
    const bool whole = proxy_.has_value() && !url_.tls;
    message.target((whole ? server_ : "") + url_.base + call.target);
    if (whole && !proxy_->authorization.empty()) {
      message.set(http::field::proxy_authorization, proxy_->authorization);
    }
    message.version(11);
    message.set(http::field::host, fmt::format("{}:{}", Host(), url_.port));
    message.set(http::field::user_agent, "kernelsmith");
    for (const auto& [name, value] : call.headers) message.set(name, value);
    message.body() = call.body;
    if (!call.body.empty() || call.method == "POST") message.prepare_payload();
    return message;
  }

  // `answered`: the head of an answer was read. Keeps the line for later calls when it may.
  Result<HttpResponse> Exchange(const HttpCall& call, std::unique_ptr<Line>& line, bool& answered) {
    auto message = Message(call);
    line->SetStepTimeout(call.idle_timeout_s);
    KS_RETURN_IF_ERROR(line->Write(message));
    line->SetStepTimeout(call.first_byte_timeout_s);
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
    parser.body_limit(call.on_body ? boost::none
                                   : boost::optional<std::uint64_t>(options_.max_body_bytes));
    if (call.method == "HEAD") parser.skip(true);
    KS_RETURN_IF_ERROR(line->ReadHeader(parser));
    answered = true;
    line->SetStepTimeout(call.idle_timeout_s);
    HttpResponse response;
    response.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) {
      response.headers.emplace_back(Text(field.name_string()), Text(field.value()));
    }
    response.content_type = FindHeader(response.headers, "Content-Type");
    KS_ASSIGN_OR_RETURN(const bool whole, ReadBody(call, parser, *line, response));
    line->SetStepTimeout(0);
    if (whole && parser.keep_alive()) PutIdle(std::move(line));
    return response;
  }

  // False: the receiver had enough.
  Result<bool> ReadBody(const HttpCall& call, http::response_parser<http::buffer_body>& parser,
                        Line& line, HttpResponse& response) const {
    const bool stream = call.on_body != nullptr && response.status / 100 == 2;
    std::array<char, kPieceBytes> piece;
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      BoostError failed;
      KS_RETURN_IF_ERROR(line.ReadSome(parser, failed));
      const std::string_view bytes(piece.data(), piece.size() - parser.get().body().size);
      if (!stream) {
        response.body += bytes;
      } else if (!bytes.empty() && !call.on_body(bytes)) {
        return false;
      }
    }
    return true;
  }

  const HttpUrl url_;
  const HttpClientOptions options_;
  const std::string server_;
  std::optional<HttpProxy> proxy_;
  std::optional<asio::ssl::context> tls_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::Create(std::string_view url,
                                                       const HttpClientOptions& options) {
  KS_ASSIGN_OR_RETURN(HttpUrl parsed, ParseUrl(url));
  auto client = std::make_unique<Client>(std::move(parsed), options);
  KS_RETURN_IF_ERROR(client->Prepare());
  return std::unique_ptr<HttpClient>(std::move(client));
}

}  // namespace ks
