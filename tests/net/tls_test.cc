// The client's TLS against a server in this process, with certificates made on the spot.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "net/http_client.h"
#include "tests/net/raw_server.h"

namespace ks {
namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

constexpr long kHour = 3600;

// Signed by itself, for `names` ("DNS:localhost"), from now to `until_s` from now.
Certificate MakeCertificate(EVP_PKEY* key, const char* names, long until_s) {
  Certificate certificate(X509_new());
  X509* const x = certificate.get();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), -2 * kHour);
  X509_gmtime_adj(X509_getm_notAfter(x), until_s);
  X509_set_pubkey(x, key);
  X509_NAME* const name = X509_get_subject_name(x);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x, name);
  X509_EXTENSION* const other = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
  KS_CHECK(other != nullptr && X509_add_ext(x, other, -1) == 1);
  X509_EXTENSION_free(other);
  KS_CHECK(X509_sign(x, key, EVP_sha256()) > 0);
  return certificate;
}

// Speaks TLS on 127.0.0.1 and answers every request with `answer`.
class TlsServer {
 public:
  TlsServer(const char* names, long until_s, std::string answer)
      : key_(EVP_EC_gen("P-256")),
        certificate_(MakeCertificate(key_.get(), names, until_s)),
        context_(SSL_CTX_new(TLS_server_method())),
        answer_(std::move(answer)) {
    KS_CHECK(SSL_CTX_use_certificate(context_.get(), certificate_.get()) == 1 &&
             SSL_CTX_use_PrivateKey(context_.get(), key_.get()) == 1);
    server_ = std::make_unique<RawServer>([this](int fd) { Serve(fd); });
  }

  ~TlsServer() {
    if (!ca_file_.empty()) std::remove(ca_file_.c_str());
  }

  std::string url() const { return "https://localhost:" + std::to_string(server_->port()); }
  // A file with the certificate.
  std::string CaFile() {
    ca_file_ = testing::TempDir() + "/ksmith-tls-" + std::to_string(getpid()) + ".pem";
    std::FILE* const file = std::fopen(ca_file_.c_str(), "w");
    KS_CHECK(file != nullptr && PEM_write_X509(file, certificate_.get()) == 1);
    KS_CHECK(std::fclose(file) == 0);
    return ca_file_;
  }
  const std::string& asked() const { return asked_; }

 private:
  std::string ca_file_;
  void Serve(int fd) {
    const Session session(SSL_new(context_.get()));
    SSL_set_fd(session.get(), fd);
    if (SSL_accept(session.get()) != 1) return;  // the client does not trust us
    char piece[4096];
    std::string text;
    while (text.find("\r\n\r\n") == text.npos) {
      const int n = SSL_read(session.get(), piece, sizeof piece);
      if (n <= 0) return;
      text.append(piece, static_cast<size_t>(n));
    }
    asked_ = text;
    SSL_write(session.get(), answer_.data(), static_cast<int>(answer_.size()));
    SSL_shutdown(session.get());
  }

  const Key key_;
  const Certificate certificate_;
  const Context context_;
  const std::string answer_;
  std::string asked_;  // read once the answer has come
  std::unique_ptr<RawServer> server_;
};

constexpr char kFine[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

Result<HttpResponse> Get(const TlsServer& server, const std::string& ca_file) {
  const auto client = HttpClient::Create(server.url(), {.ca_file = ca_file});
  if (!client.ok()) return client.error();
  return (*client)->Send({.target = "/x", .headers = {{"Authorization", "Bearer t"}}}, {});
}

TEST(Tls, ACertificateThatIsTrustedByFileIsEnough) {
  TlsServer server("DNS:localhost", kHour, kFine);
  const Result<HttpResponse> response = Get(server, server.CaFile());
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  EXPECT_NE(server.asked().find("GET /x HTTP/1.1"), std::string::npos);
  EXPECT_NE(server.asked().find("Authorization: Bearer t"), std::string::npos);
}

TEST(Tls, NothingIsSentToAServerThatIsNotTrusted) {
  const struct {
    const char* names;
    long until_s;
    bool trusted;
  } kCases[] = {{"DNS:localhost", kHour, false},     // signed by itself
                {"DNS:other.example", kHour, true},  // somebody else's
                {"DNS:localhost", -kHour, true}};    // too old
  for (const auto& one : kCases) {
    TlsServer server(one.names, one.until_s, kFine);
    const Result<HttpResponse> response = Get(server, one.trusted ? server.CaFile() : "");
    ASSERT_FALSE(response.ok()) << one.names << " " << one.until_s;
    EXPECT_EQ(response.error().code, ErrorCode::kFailedPrecondition) << response.error().message;
    EXPECT_TRUE(server.asked().empty());
  }
}

TEST(Tls, AnAnswerThatBreaksOffIsUnavailable) {
  TlsServer server("DNS:localhost", kHour, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello");
  const Result<HttpResponse> response = Get(server, server.CaFile());
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code, ErrorCode::kUnavailable);
}

TEST(Tls, AServerWithoutTlsIsUnavailable) {
  const RawServer server([](int fd) { RawServer::Say(fd, kFine); });
  const auto client = HttpClient::Create("https://localhost:" + std::to_string(server.port()), {});
  ASSERT_TRUE(client.ok());
  EXPECT_FALSE((*client)->Send({.target = "/x"}, {}).ok());
}

TEST(Tls, AFileOfCertificatesThatIsNoneIsRefused) {
  EXPECT_FALSE(HttpClient::Create("https://localhost:1", {.ca_file = "/does/not/exist"}).ok());
}

}  // namespace
}  // namespace ks
