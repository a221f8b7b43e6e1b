// Content hashes: SHA-256 (OpenSSL) for anything stored or compared, a 64-bit mix for seeds.
#ifndef KS_BASE_HASH_H_
#define KS_BASE_HASH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ks {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(std::string_view bytes);
// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);
// Two lower-case hexadecimal digits a byte.
std::string HexOf(const Sha256Digest& digest);
// The reverse; empty when `hex` is not 64 such digits.
std::optional<Sha256Digest> Sha256FromHex(std::string_view hex);

// For noticing damage: FNV-1a over little-endian words of 64 bits instead of bytes, the last one
// filled up with zeros, then over the length; after each word the upper half is folded into the
// lower.
uint64_t Checksum64(std::string_view bytes);

// FNV-1a, 64 bits. For seeds and in-memory tables, not for anything an adversary chooses.
uint64_t Fnv1a64(std::string_view bytes);

}  // namespace ks

#endif  // KS_BASE_HASH_H_
