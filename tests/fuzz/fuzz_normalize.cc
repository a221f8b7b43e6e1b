// Whatever text a candidate is: it has a normal form, and white space at its ends changes nothing.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "propose/local_names.h"
#include "propose/normalize.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string source(reinterpret_cast<const char*>(data), size);
  ks::Tokenizer tokenizer;
  const ks::SourceTokens& tokens = tokenizer.Read(source);
  size_t end = 0;
  for (const ks::NameRegion& region : ks::LocalNamesOf(tokens)) {
    KS_CHECK(region.begin >= end && region.begin < region.end);
    end = region.end;
    for (const int name : region.names) {
      KS_CHECK(name >= 0 && static_cast<size_t>(name) < tokens.words.size());
    }
  }
  KS_CHECK(end <= tokens.tokens.size());
  KS_CHECK(ks::NormalizeSource("\n" + source) == ks::NormalizeSource(source));
  return 0;
}
