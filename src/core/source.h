// The text of a candidate: held, or named by its hash and loaded when somebody looks at it. So a
// population of a million kernels does not have to lie in memory.
#ifndef KS_CORE_SOURCE_H_
#define KS_CORE_SOURCE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "base/result.h"

namespace ks {

// Gives texts by their SHA-256. Thread-safe.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  // ERRORS: kNotFound; kDataLoss (the stored bytes do not have this hash).
  virtual Result<std::string> ReadSource(const Sha256Digest& hash) const = 0;
  // Writes over `text`, whose memory may do for it. ERRORS: as above; it is then anything.
  virtual Status ReadSourceInto(const Sha256Digest& hash, std::string& text) const {
    KS_ASSIGN_OR_RETURN(text, ReadSource(hash));
    return {};
  }
};

// Immutable value, safe to copy between threads.
class Source {
 public:
  Source() = default;       // the empty text
  Source(std::string text)  // NOLINT: implicit
      : text_(std::make_shared<const std::string>(std::move(text))) {}
  Source(const char* text) : Source(std::string(text)) {}  // NOLINT: implicit
  Source(const Sha256Digest& hash, std::shared_ptr<const SourceReader> reader)
      : hash_(hash), reader_(std::move(reader)) {}

  // ERRORS: those of the reader.
  Result<std::string> Load() const {
    if (reader_ != nullptr) return reader_->ReadSource(hash_);
    return text_ != nullptr ? *text_ : std::string();
  }
  // Writes over `text`. ERRORS: as Load.
  Status LoadInto(std::string& text) const {
    if (reader_ != nullptr) return reader_->ReadSourceInto(hash_, text);
    text.assign(text_ != nullptr ? std::string_view(*text_) : std::string_view());
    return {};
  }
  // SHA-256 of the text.
  Sha256Digest digest() const {
    if (reader_ != nullptr) return hash_;
    return Sha256(text_ != nullptr ? std::string_view(*text_) : std::string_view());
  }
  std::string hash() const { return HexOf(digest()); }

 private:
  std::shared_ptr<const std::string> text_;  // null: empty, or the reader has it
  Sha256Digest hash_{};
  std::shared_ptr<const SourceReader> reader_;
};

}  // namespace ks

#endif  // KS_CORE_SOURCE_H_
