#include "store/compress.h"

#include <fmt/format.h>
#include <zstd.h>

namespace ks {
namespace {
// Sources are a few KiB: level 1 takes some microseconds on them, and the disk is cheap.
constexpr int kLevel = 1;

Error NoMemory() {
  return {ErrorCode::kResourceExhausted, "out of memory for compressing a source"};
}
}  // namespace

void Compressor::Free::operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
void Decompressor::Free::operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }

Result<std::string> Compressor::Compress(std::string_view bytes) {
  KS_ASSIGN_OR_RETURN(const std::string_view frame, CompressView(bytes));
  return std::string(frame);
}

Result<std::string_view> Compressor::CompressView(std::string_view bytes) {
  if (context_ == nullptr) context_.reset(ZSTD_createCCtx());
  if (context_ == nullptr) return NoMemory();
  const size_t most = ZSTD_compressBound(bytes.size());
  if (frame_.size() < most) frame_.resize(most);
  const size_t size = ZSTD_compressCCtx(context_.get(), frame_.data(), frame_.size(), bytes.data(),
                                        bytes.size(), kLevel);
  if (ZSTD_isError(size)) {
    return Error{ErrorCode::kResourceExhausted, fmt::format("cannot compress {} bytes: {}",
                                                            bytes.size(), ZSTD_getErrorName(size))};
  }
  return std::string_view(frame_).substr(0, size);
}

Result<std::string> Decompressor::Decompress(std::string_view frame, size_t raw_bytes) {
  if (context_ == nullptr) context_.reset(ZSTD_createDCtx());
  if (context_ == nullptr) return NoMemory();
  std::string bytes(raw_bytes, '\0');
  const size_t size =
      ZSTD_decompressDCtx(context_.get(), bytes.data(), bytes.size(), frame.data(), frame.size());
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
