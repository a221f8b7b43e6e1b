// The bodies of events in binary, version 1 (docs/store_format.md): what makes a million of them
// quick to write and to read again.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "core/event.h"
#include "core/event_fields.h"

namespace ks {
namespace {

constexpr char kVersion = 1;
constexpr size_t kChecksumBytes = 4;
constexpr size_t kUsualBytes = 512;  // of an event, so that it seldom grows while it is written

template <typename T>
constexpr bool kIsVector = false;
template <typename T>
constexpr bool kIsVector<std::vector<T>> = true;

// Appends fields to `out`.
class BinaryWriter {
 public:
  template <typename T>
  using Ref = const T&;

  explicit BinaryWriter(std::string& out) : out_(out) {}

  template <typename T>
  void operator()(const char*, const T& value) {
    ++fields_;
    Put(value);
  }
  template <typename T>
  void Optional(const char*, const std::optional<T>& value) {
    ++fields_;
    Put(value.has_value());
    if (value) Put(*value);
  }
  template <typename T>
  void Default(const char* name, const T& value) {
    (*this)(name, value);
  }
  template <typename V>
  void Variant(const char*, const V& value) {
    ++fields_;
    out_.push_back(static_cast<char>(value.index()));
    std::visit([&](const auto& alternative) { Put(alternative); }, value);
  }

 private:
  void PutVarint(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
  }
  template <typename T>
  void Put(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      out_.push_back(value ? 1 : 0);
    } else if constexpr (std::unsigned_integral<T>) {
      PutVarint(value);
    } else if constexpr (std::integral<T>) {
      const auto wide = static_cast<int64_t>(value);
      PutVarint(static_cast<uint64_t>(wide) << 1 ^ static_cast<uint64_t>(wide >> 63));
    } else if constexpr (std::same_as<T, double>) {
      const auto bits = std::bit_cast<std::array<char, sizeof(double)>>(value);
      out_.append(bits.data(), bits.size());
    } else if constexpr (std::same_as<T, std::string>) {
      PutVarint(value.size());
      out_ += value;
    } else if constexpr (kIsVector<T>) {
      PutVarint(value.size());
      for (const auto& element : value) Put(element);
    } else {
      const size_t count = out_.size();
      out_.push_back(0);
      BinaryWriter inner(out_);
      Fields(inner, value);
      out_[count] = static_cast<char>(inner.fields_);
    }
  }

  std::string& out_;
  uint8_t fields_ = 0;
};

// The bytes that are left, and whether all so far fitted.
struct Input {
  std::string_view bytes;
  bool ok = true;

  std::string_view Take(uint64_t count) {
    if (!ok || count > bytes.size()) {
      ok = false;
      return {};
    }
    const std::string_view taken = bytes.substr(0, count);
    bytes.remove_prefix(count);
    return taken;
  }
  uint8_t TakeByte() {
    const std::string_view byte = Take(1);
    return byte.empty() ? uint8_t{0} : static_cast<uint8_t>(byte[0]);
  }
  uint64_t TakeVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = TakeByte();
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ok = false;
    return 0;
  }
};

// Reads the fields of one list; those that the writer did not know keep their defaults.
class BinaryReader {
 public:
  template <typename T>
  using Ref = T&;

  BinaryReader(Input& input, uint8_t fields) : input_(input), left_(fields) {}

  template <typename T>
  void operator()(const char*, T& value) {
    if (Next()) Get(value);
  }
  template <typename T>
  void Optional(const char*, std::optional<T>& value) {
    value.reset();
    if (!Next()) return;
    bool present = false;
    Get(present);
    if (present) Get(value.emplace());
  }
  template <typename T>
  void Default(const char* name, T& value) {
    (*this)(name, value);
  }
  template <typename V>
  void Variant(const char*, V& value) {
    if (Next()) Alternative<0>(input_.TakeByte(), value);
  }
  // All fields that were written were asked for.
  bool exhausted() const { return left_ == 0; }

 private:
  bool Next() {
    if (left_ == 0 || !input_.ok) return false;
    --left_;
    return true;
  }
  template <size_t kIndex, typename V>
  void Alternative(size_t index, V& value) {
    if constexpr (kIndex == std::variant_size_v<V>) {
      input_.ok = false;
    } else if (index == kIndex) {
      Get(value.template emplace<kIndex>());
    } else {
      Alternative<kIndex + 1>(index, value);
    }
  }
  template <typename T>
  void Get(T& value) {
    if constexpr (std::same_as<T, bool>) {
      const uint8_t byte = input_.TakeByte();
      if (byte > 1) input_.ok = false;
      value = byte == 1;
    } else if constexpr (std::unsigned_integral<T>) {
      Narrow(input_.TakeVarint(), value);
    } else if constexpr (std::integral<T>) {
      const uint64_t zigzag = input_.TakeVarint();
      Narrow(static_cast<int64_t>(zigzag >> 1 ^ (~(zigzag & 1) + 1)), value);
    } else if constexpr (std::same_as<T, double>) {
      std::array<char, sizeof(double)> bits{};
      const std::string_view taken = input_.Take(bits.size());
      if (!taken.empty()) std::memcpy(bits.data(), taken.data(), bits.size());
      value = std::bit_cast<double>(bits);
    } else if constexpr (std::same_as<T, std::string>) {
      value = input_.Take(input_.TakeVarint());
    } else if constexpr (kIsVector<T>) {
      const uint64_t count = input_.TakeVarint();
      if (count > input_.bytes.size()) input_.ok = false;  // an element has a byte at least
      value.clear();
      if (input_.ok) value.reserve(count);
      for (uint64_t i = 0; i < count && input_.ok; ++i) Get(value.emplace_back());
    } else {
      BinaryReader inner(input_, input_.TakeByte());
      Fields(inner, value);
      if (!inner.exhausted()) input_.ok = false;
    }
  }
  template <typename Wide, typename T>
  void Narrow(Wide wide, T& value) {
    if (!std::in_range<T>(wide)) input_.ok = false;
    value = static_cast<T>(wide);
  }

  Input& input_;
  uint8_t left_;
};

std::array<char, kChecksumBytes> ChecksumOf(std::string_view bytes) {
  const uint64_t sum = Checksum64(bytes);
  std::array<char, kChecksumBytes> out{};
  for (size_t i = 0; i < kChecksumBytes; ++i) out[i] = static_cast<char>(sum >> (8 * i));
  return out;
}

}  // namespace

std::string EventBodyToBinary(const Event& event) {
  std::string out;
  out.reserve(kUsualBytes);
  out.push_back(kVersion);
  BinaryWriter writer(out);
  writer.Variant("body", event.body);
  const std::array<char, kChecksumBytes> checksum = ChecksumOf(out);
  out.append(checksum.data(), checksum.size());
  return out;
}

Status EventBodyFromBinary(std::string_view bytes, Event& event) {
  const auto damaged = [&](std::string_view what) {
    return Error{ErrorCode::kDataLoss,
                 fmt::format("stored event of {} bytes is not readable: {}", bytes.size(), what)};
  };
  if (bytes.size() < 1 + kChecksumBytes) return damaged("it is cut off");
  if (bytes[0] != kVersion) return damaged("it has another version");
  const std::string_view rest = bytes.substr(0, bytes.size() - kChecksumBytes);
  const std::array<char, kChecksumBytes> checksum = ChecksumOf(rest);
  if (std::string_view(checksum.data(), checksum.size()) != bytes.substr(rest.size())) {
    return damaged("its checksum does not fit");
  }
  Input input{rest.substr(1)};
  BinaryReader reader(input, 1);
  reader.Variant("body", event.body);
  if (!input.ok || !input.bytes.empty()) return damaged("its fields do not fit");
  return {};
}

}  // namespace ks
