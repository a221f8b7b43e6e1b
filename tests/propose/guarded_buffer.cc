#include "tests/propose/guarded_buffer.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <sstream>

#include "base/check.h"
#include "base/text.h"
#include "core/half.h"

namespace ks {
namespace {

template <typename T>
std::string CompareAs(const GuardedBuffer& want, const GuardedBuffer& got, double tolerance) {
  const auto* w = reinterpret_cast<const T*>(want.data());
  const auto* g = reinterpret_cast<const T*>(got.data());
  const size_t count = want.bytes() / sizeof(T);
  double largest = 0;
  for (size_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(w[i])));
  }
  for (size_t i = 0; i < count; ++i) {
    const double allowed = std::is_floating_point_v<T> ? tolerance * std::max(largest, 1e-3) : 0.0;
    const double difference = static_cast<double>(w[i]) - static_cast<double>(g[i]);
    if (!(std::abs(difference) <= allowed)) {
      std::stringstream text;
      text << "element " << i << " is " << +g[i] << ", want " << +w[i];
      return text.str();
    }
  }
  return "";
}

}  // namespace

GuardedBuffer::GuardedBuffer(size_t bytes) : bytes_(bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t rounded = (bytes + 63) / 64 * 64;
  const size_t pages = (rounded + page - 1) / page + 1;
  mapped_bytes_ = (pages + 1) * page;
  void* memory =
      mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  KS_CHECK(memory != MAP_FAILED);
  base_ = static_cast<char*>(memory);
  KS_CHECK(mprotect(base_ + pages * page, page, PROT_NONE) == 0);
  data_ = base_ + pages * page - rounded;
  std::memset(base_, 0xA5, pages * page);
}

GuardedBuffer::~GuardedBuffer() { munmap(base_, mapped_bytes_); }

bool GuardedBuffer::Intact() const {
  const auto whole = [](const char* begin, const char* end) {
    return std::all_of(begin, end, [](char c) { return c == static_cast<char>(0xA5); });
  };
  const size_t rounded = (bytes_ + 63) / 64 * 64;
  return whole(base_, data_) && whole(data_ + bytes_, data_ + rounded);
}

int64_t ExtentOf(const std::string& text, const AxisValues& axes) {
  int64_t product = 1;
  for (std::string_view factor : Split(text, '*')) {
    factor = Trim(factor);
    const size_t plus = factor.find('+');
    const auto value = [&](std::string_view word) {
      word = Trim(word);
      const auto number = ParseInt(word);
      return number ? *number : axes.at(std::string(word));
    };
    product *= plus == std::string_view::npos
                   ? value(factor)
                   : value(factor.substr(0, plus)) + value(factor.substr(plus + 1));
  }
  return product;
}

size_t BytesOf(const BufferSpec& spec, const AxisValues& axes) {
  int64_t count = 1;
  for (const std::string& extent : spec.shape) count *= ExtentOf(extent, axes);
  return static_cast<size_t>(count) * SizeOf(spec.dtype);
}

void FillBuffer(const BufferSpec& spec, const AxisValues& axes, GuardedBuffer& buffer, Rng& rng) {
  const auto below = spec.fill.parameters.find("below");
  const auto limit = static_cast<uint64_t>(
      below == spec.fill.parameters.end() ? 16 : ExtentOf(below->second, axes));
  const size_t size = SizeOf(spec.dtype);
  for (size_t at = 0; at + size <= buffer.bytes(); at += size) {
    const auto put = [&](auto value) { std::memcpy(buffer.data() + at, &value, sizeof value); };
    switch (spec.dtype) {
      case DType::kF32:
        put(static_cast<float>(rng.Uniform() * 2 - 1));
        break;
      case DType::kF64:
        put(rng.Uniform() * 2 - 1);
        break;
      case DType::kF16:
        put(Half(rng.Uniform() * 2 - 1));
        break;
      case DType::kBF16:
        put(BFloat16(rng.Uniform() * 2 - 1));
        break;
      case DType::kI32:
        put(static_cast<int32_t>(rng.Below(limit)));
        break;
      case DType::kI64:
        put(static_cast<int64_t>(rng.Below(limit)));
        break;
      case DType::kU8:
        put(static_cast<uint8_t>(rng.Below(limit)));
        break;
    }
  }
  if (spec.fill.kind == "csr_row_ptr") {  // rising, ends at "below"
    auto* pointer = reinterpret_cast<int32_t*>(buffer.data());
    const size_t count = buffer.bytes() / 4;
    std::sort(pointer, pointer + count);
    pointer[0] = 0;
    pointer[count - 1] = static_cast<int32_t>(limit);
  }
}

std::string CompareBuffers(DType dtype, const GuardedBuffer& want, const GuardedBuffer& got,
                           double tolerance) {
  switch (dtype) {
    case DType::kF32:
      return CompareAs<float>(want, got, tolerance);
    case DType::kF64:
      return CompareAs<double>(want, got, tolerance);
    case DType::kF16:
    case DType::kBF16:
      return CompareAs<uint16_t>(want, got, tolerance);
    case DType::kI32:
      return CompareAs<int32_t>(want, got, tolerance);
    case DType::kI64:
      return CompareAs<int64_t>(want, got, tolerance);
    case DType::kU8:
      return CompareAs<uint8_t>(want, got, tolerance);
  }
  return "";
}

std::string SizesText(const AxisValues& axes) {
  std::string text;
  for (const auto& [name, value] : axes) text += " " + name + "=" + std::to_string(value);
  return " at" + text;
}

}  // namespace ks
