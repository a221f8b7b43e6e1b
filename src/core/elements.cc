#include "core/elements.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/check.h"

namespace ks {
namespace {

template <typename T>
void WidenAs(std::span<const std::byte> from, std::span<std::byte> to) {
  const size_t count = std::min(from.size() / sizeof(T), to.size() / sizeof(double));
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from.data() + i * sizeof value, sizeof value);
    const auto wide = static_cast<double>(value);
    std::memcpy(to.data() + i * sizeof wide, &wide, sizeof wide);
  }
}

}  // namespace

double ElementAt(DType dtype, std::span<const std::byte> bytes, int64_t index) {
  const size_t at = static_cast<size_t>(index) * SizeOf(dtype);
  KS_CHECK(index >= 0 && at + SizeOf(dtype) <= bytes.size());
  double found = 0;
  WithElements(dtype, nullptr, [&](auto* null) {
    std::remove_pointer_t<decltype(null)> value;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    found = static_cast<double>(value);
  });
  return found;
}

void WidenElements(DType dtype, std::span<const std::byte> from, std::span<std::byte> to) {
  if (OracleType(dtype) == dtype) {
    std::memcpy(to.data(), from.data(), std::min(from.size(), to.size()));
    return;
  }
  WithElements(dtype, nullptr,
               [&](auto* null) { WidenAs<std::remove_pointer_t<decltype(null)>>(from, to); });
}

uint64_t PoisonPattern(DType dtype, uint64_t noise) {
  switch (dtype) {
    case DType::kF32:
      return 0x7fc00000u | (noise & 0x3fffff);
    case DType::kF64:
      return 0x7ff8000000000000u | (noise & 0x7ffffffffffff);
    case DType::kF16:
      return 0x7e00u | (noise & 0x1ff);
    case DType::kBF16:
      return 0x7fc0u | (noise & 0x3f);
    case DType::kI32:
      return 0xa5a5a5a5u ^ (noise & 0x0f0f0f0f);
    case DType::kI64:
      return 0xa5a5a5a5a5a5a5a5u ^ (noise & 0x0f0f0f0f0f0f0f0f);
    case DType::kU8:
      return 0xa5u ^ (noise & 0x0f);
  }
  CheckFailed(__FILE__, __LINE__, "unknown dtype");
}

}  // namespace ks
