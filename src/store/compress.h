// zstd, wrapped once.
#ifndef KS_STORE_COMPRESS_H_
#define KS_STORE_COMPRESS_H_

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace ks {

enum class CompressionEffort {
  kSmall,  // looks for repetitions everywhere
  // Hardly looks for them: half the time for some kilobytes, and frames half as large again (a
  // fifth for what hardly repeats).
  kFast,
};

// Keeps its working memory from one call to the next. Single thread.
class Compressor {
 public:
  // One zstd frame. ERRORS: kResourceExhausted (out of memory).
  Result<std::string> Compress(std::string_view bytes,
                               CompressionEffort effort = CompressionEffort::kSmall);
  // The same, good until the next call.
  Result<std::string_view> CompressView(std::string_view bytes,
                                        CompressionEffort effort = CompressionEffort::kSmall);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  using Context = std::unique_ptr<ZSTD_CCtx_s, Free>;
  static Context MakeContext(CompressionEffort effort);

  Context contexts_[2];  // by effort; made by the first call
  std::string frame_;
};

// As Compressor, for the way back. Single thread.
class Decompressor {
 public:
  // REQUIRES: raw_bytes is trusted to be small enough to allocate.
  // ERRORS: kDataLoss when `frame` is not a zstd frame of exactly `raw_bytes` bytes.
  Result<std::string> Decompress(std::string_view frame, size_t raw_bytes);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

// With working memory of their own.
inline Result<std::string> Compress(std::string_view bytes) { return Compressor().Compress(bytes); }
inline Result<std::string> Decompress(std::string_view frame, size_t raw_bytes) {
  return Decompressor().Decompress(frame, raw_bytes);
}

}  // namespace ks

#endif  // KS_STORE_COMPRESS_H_
