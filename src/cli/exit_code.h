// What the shell sees: 0 fine, 1 the work failed, 2 wrong usage, 130 ended by a second interrupt.
#ifndef KS_CLI_EXIT_CODE_H_
#define KS_CLI_EXIT_CODE_H_

#include "base/result.h"

namespace ks {

inline constexpr int kExitFine = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitInterrupted = 130;

// Something wrong that the user gave is wrong usage; everything else is failed work.
constexpr int ExitCodeOf(ErrorCode code) {
  return code == ErrorCode::kInvalidArgument || code == ErrorCode::kNotFound ? kExitUsage
                                                                             : kExitFailed;
}

}  // namespace ks

#endif  // KS_CLI_EXIT_CODE_H_
