#include "task/kernelbench.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/hash.h"
#include "base/text.h"

namespace ks {
namespace {

constexpr size_t kMaxModuleBytes = 1 << 20;

// The folder that has the levels.
Result<std::string> FindLevels(const FileSystem& files, const std::string& folder, int level) {
  for (const std::string& root : {folder + "/KernelBench", folder}) {
    std::string path = fmt::format("{}/level{}", root, level);
    if (files.IsDir(path)) return path;
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("no folder KernelBench/level{0} or level{0} in {1}: is it a checkout of "
                           "KernelBench?",
                           level, folder)};
}

// "23" of "23_Softmax.py"; 0: it has none.
int NumberOf(const std::string& name) {
  return static_cast<int>(ParseInt(name.substr(0, name.find('_'))).value_or(0));
}

}  // namespace

Result<std::vector<KernelBenchModule>> ReadKernelBench(const FileSystem& files,
                                                       const std::string& folder,
                                                       const std::vector<int>& levels) {
  std::vector<KernelBenchModule> modules;
  for (const int level : levels) {
    KS_ASSIGN_OR_RETURN(const std::string path, FindLevels(files, folder, level));
    KS_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
    for (const std::string& name : names) {
      if (!name.ends_with(".py") || name.starts_with("_")) continue;
      KernelBenchModule module;
      module.level = level;
      module.number = NumberOf(name);
      module.name = name.substr(0, name.size() - 3);
      module.path = path + "/" + name;
      KS_ASSIGN_OR_RETURN(module.source, files.Read(module.path, kMaxModuleBytes));
      module.sha256 = Sha256Hex(module.source);
      modules.push_back(std::move(module));
    }
  }
  std::ranges::sort(modules, {}, [](const KernelBenchModule& module) {
    return std::tie(module.level, module.number, module.name);
  });
  return modules;
}

}  // namespace ks
