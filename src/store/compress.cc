#include "store/compress.h"

#include <fmt/format.h>
#include <zstd.h>

namespace ks {
namespace {
// Sources are a few KiB: level 9 takes well under a millisecond on them.
constexpr int kLevel = 9;
}  // namespace

Result<std::string> Compress(std::string_view bytes) {
  std::string frame(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size)) {
    return Error{ErrorCode::kResourceExhausted, fmt::format("cannot compress {} bytes: {}",
                                                            bytes.size(), ZSTD_getErrorName(size))};
  }
  frame.resize(size);
  return frame;
}

Result<std::string> Decompress(std::string_view frame, size_t raw_bytes) {
  std::string bytes(raw_bytes, '\0');
  const size_t size = ZSTD_decompress(bytes.data(), bytes.size(), frame.data(), frame.size());
  if (ZSTD_isError(size)) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("compressed bytes are damaged: {}", ZSTD_getErrorName(size))};
  }
  if (size != raw_bytes) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("compressed bytes hold {} bytes, not {}", size, raw_bytes)};
  }
  return bytes;
}

}  // namespace ks
