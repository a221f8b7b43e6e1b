#include "base/hash.h"

#include <openssl/sha.h>

#include <cstring>

namespace ks {
namespace {

constexpr uint64_t kFnvBasis = 14695981039346656037ULL;
constexpr uint64_t kFnvPrime = 1099511628211ULL;

// Of a lower-case hexadecimal digit; 0xFF for any other character.
constexpr std::array<uint8_t, 256> kNibbleOf = [] {
  std::array<uint8_t, 256> table{};
  table.fill(0xFF);
  for (uint8_t i = 0; i < 16; ++i) {
    table[static_cast<unsigned char>("0123456789abcdef"[i])] = i;
  }
  return table;
}();

}  // namespace

Sha256Digest Sha256(std::string_view bytes) {
  static_assert(std::tuple_size_v<Sha256Digest> == SHA256_DIGEST_LENGTH);
  Sha256Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::string Sha256Hex(std::string_view bytes) { return HexOf(Sha256(bytes)); }

std::string HexOf(const Sha256Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (uint8_t byte : digest) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

std::optional<Sha256Digest> Sha256FromHex(std::string_view hex) {
  Sha256Digest digest;
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  uint8_t seen = 0;
  for (size_t i = 0; i < digest.size(); ++i) {
    const uint8_t high = kNibbleOf[static_cast<unsigned char>(hex[2 * i])];
    const uint8_t low = kNibbleOf[static_cast<unsigned char>(hex[2 * i + 1])];
    seen |= high | low;
    digest[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (seen > 0x0F) return std::nullopt;
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
