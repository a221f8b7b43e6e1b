// Elements of raw buffers by their type at run time. Pure functions.
#ifndef KS_CORE_ELEMENTS_H_
#define KS_CORE_ELEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/dtype.h"
#include "core/half.h"

namespace ks {

// Calls `body(T*)` with the element type of `dtype`; f16 is Half, bf16 is BFloat16.
template <typename Body>
void WithElements(DType dtype, std::byte* data, Body&& body) {
  switch (dtype) {
    case DType::kF32:
      body(reinterpret_cast<float*>(data));
      break;
    case DType::kF64:
      body(reinterpret_cast<double*>(data));
      break;
    case DType::kF16:
      body(reinterpret_cast<Half*>(data));
      break;
    case DType::kBF16:
      body(reinterpret_cast<BFloat16*>(data));
      break;
    case DType::kI32:
      body(reinterpret_cast<int32_t*>(data));
      break;
    case DType::kI64:
      body(reinterpret_cast<int64_t*>(data));
      break;
    case DType::kU8:
      body(reinterpret_cast<uint8_t*>(data));
      break;
  }
}

// Element `index` as a double. REQUIRES: it lies within `bytes`.
double ElementAt(DType dtype, std::span<const std::byte> bytes, int64_t index);

// The type that an oracle stores elements of `dtype` in: every float type as f64, integers as they
// are.
constexpr DType OracleType(DType dtype) { return IsFloat(dtype) ? DType::kF64 : dtype; }
// Copies `from` into `to` as the oracle's type; as many elements as fit into both.
void WidenElements(DType dtype, std::span<const std::byte> from, std::span<std::byte> to);

// The bits of one element of poison: a NaN for floats, 0xA5... for integers, low bits varied by
// `noise`.
uint64_t PoisonPattern(DType dtype, uint64_t noise);

}  // namespace ks

#endif  // KS_CORE_ELEMENTS_H_
