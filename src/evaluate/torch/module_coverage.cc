#include "evaluate/torch/module_coverage.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "evaluate/torch/module_talk.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxNameBytes = 120;

// How the kernels of cuBLAS, cuDNN, CUTLASS and torch begin.
constexpr std::array<std::string_view, 17> kLibraryStems = {"at::",
                                                            "c10::",
                                                            "cub::",
                                                            "cutlass",
                                                            "cublas",
                                                            "cudnn",
                                                            "sm70_",
                                                            "sm75_",
                                                            "sm80_",
                                                            "sm86_",
                                                            "sm90_",
                                                            "sm100_",
                                                            "ampere",
                                                            "nvjet",
                                                            "implicit_",
                                                            "splitK",
                                                            "elementwise_kernel"};

// "void add<float>(float*)" gives "add".
std::string_view StemOf(std::string_view name) {
  constexpr std::string_view kResult = "void ";
  if (name.starts_with(kResult)) name.remove_prefix(kResult.size());
  return name.substr(0, name.find_first_of("<( "));
}

}  // namespace

bool IsOwnKernel(std::string_view name, const std::string& source) {
  const std::string stem(StemOf(name));
  if (stem.empty() || stem == "Memcpy" || stem == "Memset") return false;
  const bool library = std::ranges::any_of(
      kLibraryStems, [&](std::string_view known) { return stem.starts_with(known); });
  if (library) return false;
  if (source.find("def " + stem + "(") != std::string::npos) return true;
  return source.find("__global__") != std::string::npos &&
         source.find(" " + stem + "(") != std::string::npos;
}

std::vector<ModuleActivity> ActivitiesOf(const Json& trace, const std::string& source) {
  std::vector<ModuleActivity> activities;
  if (!trace.is_array()) return activities;
  for (const Json& entry : trace) {
    ModuleActivity activity;
    const std::string name = TextOf(entry, "name");
    activity.name = Shorten(name, kMaxNameBytes);
    activity.count = IntegerOf(entry, "count");
    activity.ns = NumberOf(entry, "ns");
    activity.own = IsOwnKernel(name, source);
    if (!name.empty() && activity.count > 0 && activity.ns > 0) {
      activities.push_back(std::move(activity));
    }
  }
  std::ranges::stable_sort(activities, std::greater<>(), &ModuleActivity::ns);
  return activities;
}

void KeepLongest(std::vector<ModuleActivity>& activities) {
  activities.resize(std::min(activities.size(), kMostActivities));
}

double CoverageOf(std::span<const ModuleActivity> activities) {
  double own = 0, all = 0;
  for (const ModuleActivity& activity : activities) {
    all += activity.ns;
    own += activity.own ? activity.ns : 0;
  }
  return all > 0 ? own / all : -1;
}

}  // namespace ks
