// 16-bit floating-point elements: their bits and conversions, no arithmetic.
#ifndef KS_CORE_HALF_H_
#define KS_CORE_HALF_H_

#include <bit>
#include <cstdint>
#include <type_traits>

namespace ks {

// A binary float of one sign bit, kExponentBits and the rest fraction, IEEE style: subnormals,
// infinities, NaNs. Conversion from double rounds once, to nearest, ties to even; too large becomes
// infinity.
template <int kExponentBits>
class SmallFloat {
 public:
  SmallFloat() = default;
  constexpr explicit SmallFloat(double value) : bits_(Round(value)) {}
  constexpr explicit operator double() const { return Widen(bits_); }
  static constexpr SmallFloat FromBits(uint16_t bits) {
    SmallFloat value{};
    value.bits_ = bits;
    return value;
  }
  constexpr uint16_t bits() const { return bits_; }

 private:
  static constexpr int kFractionBits = 15 - kExponentBits;
  static constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  static constexpr uint64_t kInfinity = ((uint64_t{1} << kExponentBits) - 1) << kFractionBits;
  static constexpr int kDropped = 52 - kFractionBits;  // fraction bits that a double has more

  // `value` / 2^shift, to nearest, ties to even.
  static constexpr uint64_t ShiftRounded(uint64_t value, int shift) {
    const uint64_t kept = value >> shift;
    return (value + (uint64_t{1} << (shift - 1)) - 1 + (kept & 1)) >> shift;
  }

  static constexpr uint16_t Round(double value) {
    const auto wide = std::bit_cast<uint64_t>(value);
    const uint64_t sign = wide >> 63 << 15;
    const uint64_t magnitude = wide & ~(uint64_t{1} << 63);
    if (magnitude > uint64_t{0x7ff} << 52) {  // NaN
      return static_cast<uint16_t>(sign | kInfinity | (uint64_t{1} << (kFractionBits - 1)));
    }
    const int exponent = static_cast<int>(magnitude >> 52) - 1023;
    uint64_t rounded = 0;
    if (exponent >= 1 - kBias) {  // a carry out of the fraction raises the exponent, as it should
      rounded = ShiftRounded(magnitude - (static_cast<uint64_t>(1023 - kBias) << 52), kDropped);
      if (rounded > kInfinity) rounded = kInfinity;
    } else if (exponent >= -kBias - kFractionBits) {  // subnormal
      const uint64_t significand = (magnitude & ((uint64_t{1} << 52) - 1)) | (uint64_t{1} << 52);
      rounded = ShiftRounded(significand, kDropped + 1 - kBias - exponent);
    }
    return static_cast<uint16_t>(sign | rounded);
  }

  static constexpr double Widen(uint16_t bits) {
    const uint64_t sign = static_cast<uint64_t>(bits >> 15) << 63;
    const uint64_t magnitude = bits & 0x7fffu;
    if (magnitude >= kInfinity) {
      return std::bit_cast<double>(sign | uint64_t{0x7ff} << 52 |
                                   (magnitude - kInfinity) << kDropped);
    }
    if (magnitude >> kFractionBits == 0) {  // zero or subnormal: exact in a double
      constexpr auto kUnit =
          std::bit_cast<double>(static_cast<uint64_t>(1023 + 1 - kBias - kFractionBits) << 52);
      const double value = static_cast<double>(magnitude) * kUnit;
      return std::bit_cast<double>(std::bit_cast<uint64_t>(value) | sign);
    }
    return std::bit_cast<double>(
        sign | ((magnitude << kDropped) + (static_cast<uint64_t>(1023 - kBias) << 52)));
  }

  uint16_t bits_ = 0;
};

using Half = SmallFloat<5>;      // IEEE binary16
using BFloat16 = SmallFloat<8>;  // the upper half of a binary32

// True for element types that hold fractions: float, double, Half, BFloat16.
template <typename T>
inline constexpr bool kIsFloatElement =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

}  // namespace ks

#endif  // KS_CORE_HALF_H_
