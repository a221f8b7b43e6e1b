#include "store/compress.h"

#include <fmt/format.h>
// For the literals: the library is linked statically, so what it calls experimental cannot change
// under us, and its frames are like any other.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "base/check.h"

namespace ks {
namespace {
// Sources are a few KiB: level 1 takes some microseconds on them, and the disk is cheap.
constexpr int kSmallLevel = 1;
// Looks every so many bytes for what comes again, with tables that fit into the first cache; what
// comes once is still written in as few bits as its characters need.
constexpr int kFastLevel = -20;
constexpr int kFastHashLog = 11;
constexpr int kFastMatch = 7;

Error NoMemory() {
  return {ErrorCode::kResourceExhausted, "out of memory for compressing a source"};
}
}  // namespace

void Compressor::Free::operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
void Decompressor::Free::operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }

Compressor::Context Compressor::MakeContext(CompressionEffort effort) {
  Context context(ZSTD_createCCtx());
  if (context == nullptr) return nullptr;
  const auto set = [&context](ZSTD_cParameter parameter, int value) {
    KS_CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), parameter, value)));
  };
  const bool fast = effort == CompressionEffort::kFast;
  set(ZSTD_c_compressionLevel, fast ? kFastLevel : kSmallLevel);
  if (!fast) return context;
  set(ZSTD_c_hashLog, kFastHashLog);
  set(ZSTD_c_minMatch, kFastMatch);
  set(ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
  return context;
}

Result<std::string> Compressor::Compress(std::string_view bytes, CompressionEffort effort) {
  KS_ASSIGN_OR_RETURN(const std::string_view frame, CompressView(bytes, effort));
  return std::string(frame);
}

Result<std::string_view> Compressor::CompressView(std::string_view bytes,
                                                  CompressionEffort effort) {
  Context& context = contexts_[static_cast<size_t>(effort)];
  if (context == nullptr) context = MakeContext(effort);
  if (context == nullptr) return NoMemory();
  const size_t most = ZSTD_compressBound(bytes.size());
  if (frame_.size() < most) frame_.resize(most);
  const size_t size =
      ZSTD_compress2(context.get(), frame_.data(), frame_.size(), bytes.data(), bytes.size());
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
