// Whatever text a task file has for an expression: a finite value or an error, and extents in
// range.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "core/expr.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ks::AxisValues axes = {{"m", 512}, {"n", 0}, {"k", int64_t{1} << 40}, {"rows", 7}};
  const ks::Result<double> value = ks::EvaluateExpr(text, axes);
  if (value.ok()) {
    KS_CHECK(std::isfinite(*value));
  } else {
    KS_CHECK(value.error().code == ks::ErrorCode::kInvalidArgument);
    KS_CHECK(!value.error().message.empty());
  }
  const ks::Result<int64_t> extent = ks::EvaluateExtent(text, axes);
  if (extent.ok()) {
    KS_CHECK(value.ok() && *value == static_cast<double>(*extent));
    KS_CHECK(*extent >= 0 && *extent <= (int64_t{1} << 40));
  }
  return 0;
}
