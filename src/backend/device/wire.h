// Reading and writing of the little-endian, length-prefixed formats of this folder. What is read
// may be hostile: every length is checked against what is there before it is believed.
#ifndef KS_BACKEND_DEVICE_WIRE_H_
#define KS_BACKEND_DEVICE_WIRE_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ks {

static_assert(std::endian::native == std::endian::little);

template <typename T>
concept WireNumber = std::is_arithmetic_v<T> || std::is_enum_v<T>;

// Thread-compatible.
class WireWriter {
 public:
  template <WireNumber T>
  void Number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void Text(std::string_view text) {
    Number(static_cast<uint64_t>(text.size()));
    bytes_.append(text);
  }
  template <typename T, typename Each>
  void List(const std::vector<T>& items, Each&& each) {
    Number(static_cast<uint32_t>(items.size()));
    for (const T& item : items) each(item);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// After the first thing that does not fit, ok() is false and everything reads as zero or empty.
// Thread-compatible; does not own the bytes.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <WireNumber T>
  T Number() {
    T value{};
    if (!Need(sizeof value)) return value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  bool Flag() { return Number<uint8_t>() != 0; }
  // An enumerator between 0 and `last`.
  template <typename T>
  T Enum(T last) {
    const auto value = Number<std::underlying_type_t<T>>();
    if (value > static_cast<std::underlying_type_t<T>>(last)) ok_ = false;
    return ok_ ? static_cast<T>(value) : T{};
  }
  std::string Text() {
    const auto size = Number<uint64_t>();
    if (!Need(size)) return {};
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }
  // `item_bytes`: at least so many bytes an item takes, so that a count cannot claim more items
  // than there are bytes.
  template <typename T, typename Each>
  std::vector<T> List(size_t item_bytes, Each&& each) {
    std::vector<T> items;
    const uint64_t count = Number<uint32_t>();
    if (!Need(count * item_bytes)) return items;
    items.reserve(count);
    for (uint64_t i = 0; i < count && ok_; ++i) items.push_back(each());
    return items;
  }
  bool ok() const { return ok_; }
  // Everything was read, and nothing is left over.
  bool AtEnd() const { return ok_ && rest_.empty(); }

 private:
  bool Need(uint64_t bytes) {
    ok_ = ok_ && bytes <= rest_.size();
    return ok_;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace ks

#endif  // KS_BACKEND_DEVICE_WIRE_H_
