// Element types of task buffers.
#ifndef KS_CORE_DTYPE_H_
#define KS_CORE_DTYPE_H_

#include <cstddef>
#include <optional>
#include <string_view>

namespace ks {

enum class DType { kF32, kF64, kF16, kBF16, kI32, kI64, kU8 };

constexpr size_t SizeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kU8:
      return 1;
  }
  return 0;
}
constexpr bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kF16 ||
         dtype == DType::kBF16;
}
// Significant bits of a float type, the implicit one included; 0 for integers.
constexpr int SignificantBitsOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return 24;
    case DType::kF64:
      return 53;
    case DType::kF16:
      return 11;
    case DType::kBF16:
      return 8;
    case DType::kI32:
    case DType::kI64:
    case DType::kU8:
      return 0;
  }
  return 0;
}
// "f32", "f64", "f16", "bf16", "i32", "i64", "u8".
const char* DTypeName(DType dtype);
std::optional<DType> ParseDType(std::string_view name);
// The C++ type of an element: "float", "double", "int32_t", "int64_t", "uint8_t"; f16 and bf16 are
// their bits, "uint16_t".
const char* DTypeCppName(DType dtype);

}  // namespace ks

#endif  // KS_CORE_DTYPE_H_
