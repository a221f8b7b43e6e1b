// The version of this program; goes into every run.
#ifndef KS_CLI_VERSION_H_
#define KS_CLI_VERSION_H_

namespace ks {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace ks

#endif  // KS_CLI_VERSION_H_
