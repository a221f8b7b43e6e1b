#include "task/impostors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace ks {

std::vector<double> AsDoubles(DType dtype, const Bytes& bytes) {
  std::vector<double> values(bytes.size() / SizeOf(dtype));
  WithElements(dtype, const_cast<std::byte*>(bytes.data()), [&](const auto* data) {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(data[i]);
  });
  return values;
}

Bytes FromDoubles(DType dtype, const std::vector<double>& values) {
  Bytes bytes(values.size() * SizeOf(dtype));
  WithElements(dtype, bytes.data(), [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    for (size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_integral_v<T>) {
        const double low = static_cast<double>(std::numeric_limits<T>::min());
        const double high = std::min(static_cast<double>(std::numeric_limits<T>::max()), 0x1p62);
        data[i] = std::isnan(values[i]) ? T{0} : static_cast<T>(std::clamp(values[i], low, high));
      } else {
        data[i] = static_cast<T>(values[i]);
      }
    }
  });
  return bytes;
}

int SignificantBits(const std::string& precision) {
  if (precision == "f64") return 53;
  if (precision == "f32") return 24;
  if (precision == "tf32" || precision == "f16") return 11;
  KS_CHECK(precision == "bf16");
  return 8;
}

double RoundedTo(double value, int bits) {
  if (!std::isfinite(value) || value == 0) return value;
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, bits)), exponent - bits);
}

}  // namespace ks
