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

constexpr size_t kMaxIdleConnections = 16;
constexpr size_t kPieceBytes = 32u << 10;
constexpr std::chrono::milliseconds kStopPoll(20);
// Where distributions keep the certificates they trust; OpenSSL's own default comes first.
constexpr const char* kCertificateFiles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                             "/etc/pki/tls/certs/ca-bundle.crt",
                                             "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

std::string Text(beast::string_view view) { return {view.data(), view.size()}; }

// A socket, plain or with TLS, and the loop that drives it. Single thread.
class Line {
 public:
  Line(const HttpUrl& url, asio::ssl::context* tls) : url_(url) {
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

  Status Connect() {
    KS_ASSIGN_OR_RETURN(const auto endpoints, Resolve());
    BoostError failed;
    KS_RETURN_IF_ERROR(Run("connect", failed, [&](auto done) {
      Tcp().async_connect(endpoints,
                          [done](const BoostError& error, const tcp::endpoint&) { done(error); });
    }));
    BoostError ignored;
    Tcp().socket().set_option(tcp::no_delay(true), ignored);
    return std::holds_alternative<TlsStream>(stream_) ? Handshake() : Status();
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
  Error Unavailable(const char* doing, const std::string& why) const {
    return {ErrorCode::kUnavailable, fmt::format("{}: cannot {}: {}", Server(), doing, why)};
  }

  Result<std::vector<tcp::endpoint>> Resolve() {
    BoostError failed;
    const auto literal = asio::ip::make_address(url_.host, failed);
    if (!failed) return std::vector<tcp::endpoint>{{literal, url_.port}};
    tcp::resolver resolver(context_);
    std::vector<tcp::endpoint> endpoints;
    KS_RETURN_IF_ERROR(Run("find this host", failed, [&](auto done) {
      resolver.async_resolve(url_.host, std::to_string(url_.port),
                             [&endpoints, done](const BoostError& error, const auto& results) {
                               for (const auto& one : results) endpoints.push_back(one.endpoint());
                               done(error);
                             });
    }));
    return endpoints;
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
    bool stopped = false;
    bool late = false;
    context_.restart();
    while (!finished) {  // NOLINT(bugprone-infinite-loop): the handler above sets it
      stopped = stop_.stop_requested();
      late = SteadyClock::now() >= deadline_;
      if (stopped || late) {
        Tcp().close();
        context_.run();
        break;
      }
      context_.run_one_for(
          std::min<SteadyClock::duration>(kStopPoll, deadline_ - SteadyClock::now()));
    }
    if (stopped) return Error{ErrorCode::kCancelled, "stopped"};
    if (late) return Unavailable(doing, "no answer in time");
    if (!failed || failed == http::error::need_buffer) return {};
    if (failed == http::error::header_limit || failed == http::error::body_limit) {
      return Error{ErrorCode::kResourceExhausted,
                   fmt::format("{}: the answer is too large", Server())};
    }
    return Unavailable(doing, failed.message());
  }

  const HttpUrl& url_;
  asio::io_context context_;
  std::variant<std::monostate, beast::tcp_stream, TlsStream> stream_;
  beast::flat_buffer buffer_;
  SteadyClock::time_point deadline_;
  std::stop_token stop_;
};

class Client final : public HttpClient {
 public:
  Client(HttpUrl url, HttpClientOptions options)
      : url_(std::move(url)),
        options_(std::move(options)),
        server_(fmt::format("{}://{}:{}", url_.tls ? "https" : "http", Host(), url_.port)) {}

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
    const auto deadline = SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                                   std::chrono::duration<double>(call.timeout_s));
    if (std::unique_ptr<Line> kept = call.idempotent ? TakeIdle() : nullptr) {
      kept->Begin(deadline, stop);
      bool answered = false;
      Result<HttpResponse> response = Exchange(call, std::move(kept), answered);
      // The server may have closed it just now; a fresh connection tells.
      if (response.ok() || answered || response.error().code != ErrorCode::kUnavailable ||
          SteadyClock::now() >= deadline) {
        return response;
      }
    }
    auto line = std::make_unique<Line>(url_, tls_ ? &*tls_ : nullptr);
    const auto connect_deadline =
        SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                 std::chrono::duration<double>(options_.connect_timeout_s));
    line->Begin(std::min(deadline, connect_deadline), std::move(stop));
    KS_RETURN_IF_ERROR(line->Connect());
    line->SetDeadline(deadline);
    bool answered = false;
    return Exchange(call, std::move(line), answered);
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
    if (idle_.size() < kMaxIdleConnections) idle_.push_back(std::move(line));
  }

  http::request<http::string_body> Message(const HttpCall& call) const {
    http::request<http::string_body> message;
    message.method_string(call.method);
    message.target(url_.base + call.target);
    message.version(11);
    message.set(http::field::host, fmt::format("{}:{}", Host(), url_.port));
    message.set(http::field::user_agent, "kernelsmith");
    for (const auto& [name, value] : call.headers) message.set(name, value);
    message.body() = call.body;
    if (!call.body.empty() || call.method == "POST") message.prepare_payload();
    return message;
  }

  // `answered`: the head of an answer was read.
  Result<HttpResponse> Exchange(const HttpCall& call, std::unique_ptr<Line> line, bool& answered) {
    auto message = Message(call);
    KS_RETURN_IF_ERROR(line->Write(message));
    http::response_parser<http::buffer_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
    parser.body_limit(call.on_body ? boost::none
                                   : boost::optional<std::uint64_t>(options_.max_body_bytes));
    if (call.method == "HEAD") parser.skip(true);
    KS_RETURN_IF_ERROR(line->ReadHeader(parser));
    answered = true;
    HttpResponse response;
    response.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get()) {
      response.headers.emplace_back(Text(field.name_string()), Text(field.value()));
    }
    response.content_type = FindHeader(response.headers, "Content-Type");
    KS_ASSIGN_OR_RETURN(const bool whole, ReadBody(call, parser, *line, response));
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
  std::optional<asio::ssl::context> tls_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Line>> idle_;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<HttpClient>> HttpClient::Create(std::string_view url,
                                                       const HttpClientOptions& options) {
  KS_ASSIGN_OR_RETURN(HttpUrl parsed, ParseUrl(url));
  auto client = std::make_unique<Client>(std::move(parsed), options);
  KS_RETURN_IF_ERROR(client->PrepareTls());
  return std::unique_ptr<HttpClient>(std::move(client));
}

}  // namespace ks
