// Build directives in a candidate's text: flags and compiler are part of the candidate.
//
//   // ksmith: compiler g++
//   // ksmith: flags -O3 -march=x86-64-v3 -ffast-math
//
// ("#" instead of "//" in Python.) At most one line of each; the last one wins. Which flags are
// allowed is the backend's business. Device candidates also have a launch plan: core/launch_plan.h.
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

// False: there are no directives of any kind. Some hundredths of a microsecond a kilobyte.
bool MayHaveDirectives(std::string_view source);
BuildDirectives ParseBuildDirectives(std::string_view source);
// `source` with its directive lines replaced (or put in front). Without a compiler (devices have
// one each) there is no such line.
std::string WithBuildDirectives(std::string_view source, const BuildDirectives& directives);
// The text without any "// ksmith: flags|compiler" line.
std::string WithoutBuildDirectives(std::string_view source);

// What comments begin with: "#" in Python, else "//". The first directive decides, without one the
// look of the lines.
std::string_view CommentMarkerOf(std::string_view source);
// The launch plan's directives, one a line, without comment markers and runs of white space.
std::string PlanDirectives(std::string_view source);
// Of a source file for this backend: "cc", "cu", "cl", "py", "hip".
std::string_view SourceEnding(std::string_view backend);

}  // namespace ks

#endif  // KS_CORE_KERNEL_SOURCE_H_
