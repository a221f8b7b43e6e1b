#include "cli/modules.h"

#include <fmt/format.h>

#include "base/file.h"
#include "cli/device_wiring.h"

namespace ks {
namespace {

constexpr size_t kMaxModuleBytes = 1 << 20;

}  // namespace

Result<LocalModules> OpenModules(const EvaluationConfig& config, std::stop_token stop) {
  LocalModules modules;
  KS_ASSIGN_OR_RETURN(PythonEnvironment python, FindPython());
  KS_ASSIGN_OR_RETURN(modules.sandbox, Sandbox::Create());
  KS_ASSIGN_OR_RETURN(
      modules.evaluator,
      ModuleEvaluator::Create(*modules.sandbox, std::move(python), {}, config, std::move(stop)));
  return modules;
}

Result<ModuleSource> ReadModule(const std::string& path) {
  KS_ASSIGN_OR_RETURN(std::string text, PosixFileSystem().Read(path, kMaxModuleBytes));
  if (text.find('\0') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: this is a binary file; a PyTorch module is a Python file", path)};
  }
  return ModuleSource{path, std::move(text)};
}

}  // namespace ks
