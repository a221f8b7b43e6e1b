#include "core/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/elements.h"

namespace ks {
namespace {

constexpr size_t kLanes = 8;  // independent sums, so that the loops vectorise without -ffast-math
using Lanes = std::array<double, kLanes>;

double Total(const Lanes& lanes) {
  double total = 0;
  for (const double lane : lanes) total += lane;
  return total;
}

// Sum of squares, leaving out non-finite values.
double FiniteSquares(const double* values, size_t count) {
  Lanes sums{};
  const size_t whole = count / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += values[i + lane] * values[i + lane];
    }
  }
  for (size_t i = whole; i < count; ++i) sums[0] += values[i] * values[i];
  const double total = Total(sums);
  if (std::isfinite(total)) return total;
  double finite = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isfinite(values[i])) finite += values[i] * values[i];
  }
  return finite;
}

struct Bounds {
  double absolute = 0;
  double relative = 0;
  double floor = 0;  // |want| counts at least this much
  double norm = 0;   // bound on ||got - want||

  double At(double want) const { return absolute + relative * std::max(std::abs(want), floor); }
};

Bounds BoundsFor(const Tolerance& tolerance, const double* want, size_t count) {
  const double squares = FiniteSquares(want, count);
  const double elements = static_cast<double>(std::max<size_t>(count, 1));
  Bounds bounds;
  bounds.absolute = tolerance.absolute;
  bounds.relative = tolerance.relative;
  bounds.floor = tolerance.scale * std::sqrt(squares / elements);
  bounds.norm =
      tolerance.absolute * std::sqrt(elements) + tolerance.norm_relative * std::sqrt(squares);
  return bounds;
}

// True when every element and the norm surely agree; false: look closer. NaN and infinity on either
// side give false.
template <typename T>
bool SurelyAgrees(const T* got, const double* want, size_t count, const Bounds& bounds) {
  Lanes squares{};
  std::array<int64_t, kLanes> bad{};
  const size_t whole = count / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const double expected = want[i + lane];
      const double error = std::abs(static_cast<double>(got[i + lane]) - expected);
      const double magnitude = std::abs(expected);
      const double allowed =
          bounds.absolute + bounds.relative * (magnitude > bounds.floor ? magnitude : bounds.floor);
      bad[lane] += error <= allowed ? 0 : 1;
      squares[lane] += error * error;
    }
  }
  bool good = true;
  for (const int64_t lane : bad) good = good && lane == 0;
  for (size_t i = whole; i < count; ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - want[i]);
    good = good && error <= bounds.At(want[i]);
    squares[0] += error * error;
  }
  // An infinity in `want` makes its own bound infinite; the sum of squares is then not finite.
  return good && std::sqrt(Total(squares)) <= bounds.norm;
}

template <typename T>
std::optional<Mismatch> CompareFloats(const T* got, const double* want, size_t count,
                                      const Tolerance& tolerance) {
  const Bounds bounds = BoundsFor(tolerance, want, count);
  if (SurelyAgrees(got, want, count, bounds)) return std::nullopt;
  Mismatch found;
  found.elements = static_cast<int64_t>(count);
  double squares = 0;
  for (size_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(got[i]);
    if (value == want[i]) continue;  // equal infinities, too
    const bool finite = std::isfinite(value) && std::isfinite(want[i]);
    const double error =
        finite ? std::abs(value - want[i]) : std::numeric_limits<double>::infinity();
    found.has_nan = found.has_nan || std::isnan(value) || std::isnan(want[i]);
    found.max_error = std::max(found.max_error, error);
    squares += error * error;
    const double allowed = finite ? bounds.At(want[i]) : 0;
    if (error <= allowed) continue;
    if (found.mismatches++ == 0) {
      found.first_index = static_cast<int64_t>(i);
      found.got = value;
      found.want = want[i];
      found.allowed = allowed;
    }
  }
  const double norm = std::sqrt(FiniteSquares(want, count));
  found.norm_error = squares == 0 ? 0 : std::sqrt(squares) / norm;
  if (found.mismatches == 0 && std::sqrt(squares) <= bounds.norm) return std::nullopt;
  return found;
}

template <typename T>
std::optional<Mismatch> CompareIntegers(const T* got, const T* want, size_t count) {
  const auto pair = std::mismatch(got, got + count, want);
  if (pair.first == got + count) return std::nullopt;
  Mismatch found;
  found.elements = static_cast<int64_t>(count);
  found.first_index = pair.first - got;
  found.got = static_cast<double>(*pair.first);
  found.want = static_cast<double>(*pair.second);
  double error_squares = 0;
  double want_squares = 0;
  for (size_t i = 0; i < count; ++i) {
    const double error = static_cast<double>(got[i]) - static_cast<double>(want[i]);
    found.mismatches += got[i] != want[i] ? 1 : 0;
    found.max_error = std::max(found.max_error, std::abs(error));
    error_squares += error * error;
    want_squares += static_cast<double>(want[i]) * static_cast<double>(want[i]);
  }
  found.norm_error = std::sqrt(error_squares) / std::sqrt(want_squares);
  return found;
}

template <typename T>
const T* Elements(std::span<const std::byte> bytes) {
  return reinterpret_cast<const T*>(bytes.data());
}

}  // namespace

std::optional<Mismatch> CompareOutput(DType dtype, std::span<const std::byte> got,
                                      std::span<const std::byte> want, const Tolerance& tolerance) {
  const size_t count = got.size() / SizeOf(dtype);
  KS_CHECK(want.size() == count * SizeOf(OracleType(dtype)));
  switch (dtype) {
    case DType::kF32:
      return CompareFloats(Elements<float>(got), Elements<double>(want), count, tolerance);
    case DType::kF64:
      return CompareFloats(Elements<double>(got), Elements<double>(want), count, tolerance);
    case DType::kF16:
      return CompareFloats(Elements<Half>(got), Elements<double>(want), count, tolerance);
    case DType::kBF16:
      return CompareFloats(Elements<BFloat16>(got), Elements<double>(want), count, tolerance);
    case DType::kI32:
      return CompareIntegers(Elements<int32_t>(got), Elements<int32_t>(want), count);
    case DType::kI64:
      return CompareIntegers(Elements<int64_t>(got), Elements<int64_t>(want), count);
    case DType::kU8:
      return CompareIntegers(Elements<uint8_t>(got), Elements<uint8_t>(want), count);
  }
  CheckFailed(__FILE__, __LINE__, "unknown dtype");
}

}  // namespace ks
