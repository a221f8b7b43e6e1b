// Content hashes: SHA-256 (OpenSSL) for anything stored or compared, a 64-bit mix for seeds.
#ifndef KS_BASE_HASH_H_
#define KS_BASE_HASH_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace ks {

// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view bytes);

// FNV-1a, 64 bits. For seeds and in-memory tables, not for anything an adversary chooses.
uint64_t Fnv1a64(std::string_view bytes);

}  // namespace ks

#endif  // KS_BASE_HASH_H_
