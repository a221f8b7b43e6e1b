#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <cstring>
#include <memory>

#include "base/check.h"

namespace ks {
namespace {

constexpr uint64_t kFnvBasis = 14695981039346656037ULL;
constexpr uint64_t kFnvPrime = 1099511628211ULL;

constexpr uint64_t kEachByte = 0x0101010101010101ULL;

// Four bytes from eight lower-case hexadecimal digits, eight characters at a time; false when they
// are something else.
bool FourBytesOf(const char* digits, uint8_t* bytes) {
  uint64_t text = 0;
  std::memcpy(&text, digits, sizeof text);
  const uint64_t letters = text >> 6 & kEachByte;
  const uint64_t values = ((text & 0x0F * kEachByte) + 9 * letters) & 0x0F * kEachByte;
  const uint64_t above_nine = (values + 6 * kEachByte) >> 4 & kEachByte;
  if (text != values + '0' * kEachByte + ('a' - '0' - 10) * above_nine) return false;
  uint64_t pairs = (values << 4 | values >> 8) & 0x00FF00FF00FF00FFULL;
  for (int i = 0; i < 4; ++i, pairs >>= 16) bytes[i] = static_cast<uint8_t>(pairs);
  return true;
}

// OpenSSL's algorithm and its working memory: looking both up for every text takes as long as
// hashing a kilobyte.
class Sha256Context {
 public:
  Sha256Context()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
    KS_CHECK(algorithm_ != nullptr && context_ != nullptr);
  }
  void Hash(std::string_view bytes, uint8_t* digest) {
    KS_CHECK(EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) == 1 &&
             EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1 &&
             EVP_DigestFinal_ex(context_.get(), digest, nullptr) == 1);
  }

 private:
  struct Free {
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD, Free> algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

Sha256Digest Sha256(std::string_view bytes) {
  static_assert(std::tuple_size_v<Sha256Digest> == SHA256_DIGEST_LENGTH);
  Sha256Digest digest;
  thread_local Sha256Context context;
  context.Hash(bytes, digest.data());
  return digest;
}

std::string Sha256Hex(std::string_view bytes) { return HexOf(Sha256(bytes)); }

std::string HexOf(const Sha256Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(2 * digest.size(), '\0');
  for (size_t i = 0; i < digest.size(); ++i) {
    hex[2 * i] = kDigits[digest[i] >> 4];
    hex[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return hex;
}

std::optional<Sha256Digest> Sha256FromHex(std::string_view hex) {
  Sha256Digest digest;
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); i += 4) {
    if (!FourBytesOf(hex.data() + 2 * i, &digest[i])) return std::nullopt;
  }
  return digest;
}

uint64_t Checksum64(std::string_view bytes) {
  uint64_t hash = kFnvBasis;
  const auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * kFnvPrime;
    hash ^= hash >> 32;
  };
  size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    mix(word);
  }
  uint64_t last = 0;
  if (at < bytes.size()) std::memcpy(&last, bytes.data() + at, bytes.size() - at);
  mix(last);
  mix(bytes.size());
  return hash;
}

uint64_t Fnv1a64(std::string_view bytes) {
  uint64_t hash = kFnvBasis;
  for (char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= kFnvPrime;
  }
  return hash;
}

}  // namespace ks
