// Element types of task buffers.
#ifndef KS_CORE_DTYPE_H_
#define KS_CORE_DTYPE_H_

#include <cstddef>
#include <optional>
#include <string_view>

namespace ks {

enum class DType { kF32, kF64, kI32, kI64, kU8 };

constexpr size_t SizeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kU8:
      return 1;
  }
  return 0;
}
constexpr bool IsFloat(DType dtype) { return dtype == DType::kF32 || dtype == DType::kF64; }
// "f32", "f64", "i32", "i64", "u8".
const char* DTypeName(DType dtype);
std::optional<DType> ParseDType(std::string_view name);
// The C++ type of an element: "float", "double", "int32_t", "int64_t", "uint8_t".
const char* DTypeCppName(DType dtype);

}  // namespace ks

#endif  // KS_CORE_DTYPE_H_
