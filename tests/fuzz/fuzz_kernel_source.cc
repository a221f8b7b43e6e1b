// Whatever text a candidate is: its directives can be read, taken out and put back.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "core/kernel_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  const ks::BuildDirectives directives = ks::ParseBuildDirectives(source);
  const std::string without = ks::WithoutBuildDirectives(source);
  KS_CHECK(without.size() <= source.size());
  KS_CHECK(ks::ParseBuildDirectives(without) == ks::BuildDirectives{});
  KS_CHECK(ks::WithoutBuildDirectives(without) == without);
  const std::string with = ks::WithBuildDirectives(source, directives);
  KS_CHECK(ks::ParseBuildDirectives(with) == directives);
  KS_CHECK(ks::WithoutBuildDirectives(with) == without);
  KS_CHECK(ks::WithBuildDirectives(with, directives) == with);
  return 0;
}
