// Build directives in a candidate's text: flags and compiler are part of the candidate.
//
//   // ksmith: compiler g++
//   // ksmith: flags -O3 -march=x86-64-v3 -ffast-math
//
// At most one line of each; the last one wins. Which flags are allowed is the backend's business.
#ifndef KS_CORE_KERNEL_SOURCE_H_
#define KS_CORE_KERNEL_SOURCE_H_

#include <string>
#include <string_view>
#include <vector>

namespace ks {

struct BuildDirectives {
  std::string compiler = "g++";  // "g++" or "clang++"
  std::vector<std::string> flags = {"-O2"};
  bool operator==(const BuildDirectives&) const = default;
};

BuildDirectives ParseBuildDirectives(std::string_view source);
// `source` with its directive lines replaced (or put in front).
std::string WithBuildDirectives(std::string_view source, const BuildDirectives& directives);
// The text without any "// ksmith: flags|compiler" line.
std::string WithoutBuildDirectives(std::string_view source);

}  // namespace ks

#endif  // KS_CORE_KERNEL_SOURCE_H_
