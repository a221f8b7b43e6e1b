// Edits of launch directives as text: what skills use. Each returns the new source, or nothing when
// the source has no valid plan or not what is to be changed. Only the named piece changes; every
// other byte stays. Positions of launches and steps count as in LaunchPlan.
#ifndef KS_CORE_LAUNCH_PLAN_EDIT_H_
#define KS_CORE_LAUNCH_PLAN_EDIT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/launch_plan.h"

namespace ks {

// "const NAME = old" becomes "const NAME = value".
std::optional<std::string> WithConstant(std::string_view source, std::string_view name,
                                        std::string_view value);
// A new constant after the last one (before all other directives when there is none). Nothing when
// the name is taken.
std::optional<std::string> WithNewConstant(std::string_view source, std::string_view name,
                                           std::string_view value);
// Sets `option` of the launch ("block", "(BLOCK)"; "shared", "4*BLOCK"; "cooperative", ""), adding
// it when it is not there.
std::optional<std::string> WithLaunchOption(std::string_view source, size_t launch,
                                            std::string_view option, std::string_view value);
// Without that option; nothing when the launch does not have it.
std::optional<std::string> WithoutLaunchOption(std::string_view source, size_t launch,
                                               std::string_view option);
// The launch calls another kernel of the source.
std::optional<std::string> WithLaunchKernel(std::string_view source, size_t launch,
                                            std::string_view kernel);
// "NAME dtype [shape]" as a scratch buffer after the last one.
std::optional<std::string> WithScratch(std::string_view source, std::string_view declaration);
// A step ("launch finish grid=(rows) block=(128)" or "clear partial") as number `step`: before the
// step of that number, or last.
std::optional<std::string> WithStep(std::string_view source, size_t step,
                                    std::string_view directive);
// Without that step; nothing when it is the last launch.
std::optional<std::string> WithoutStep(std::string_view source, size_t step);

}  // namespace ks

#endif  // KS_CORE_LAUNCH_PLAN_EDIT_H_
