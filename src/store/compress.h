// zstd, wrapped once. Pure functions.
#ifndef KS_STORE_COMPRESS_H_
#define KS_STORE_COMPRESS_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace ks {

// One zstd frame. ERRORS: kResourceExhausted (out of memory).
Result<std::string> Compress(std::string_view bytes);
// REQUIRES: raw_bytes is trusted to be small enough to allocate.
// ERRORS: kDataLoss when `frame` is not a zstd frame of exactly `raw_bytes` bytes.
Result<std::string> Decompress(std::string_view frame, size_t raw_bytes);

}  // namespace ks

#endif  // KS_STORE_COMPRESS_H_
