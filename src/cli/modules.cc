#include "cli/modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "base/hash.h"
#include "cli/device_wiring.h"
#include "cli/environment.h"
#include "cli/wiring.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/torch/module_judge.h"
#include "evaluate/torch/module_task.h"

namespace ks {
namespace {

constexpr size_t kMaxModuleBytes = 1 << 20;

Result<ModuleDevice> FindModuleDevice(int index) {
  return FindCudaModuleDevice(ProcessVariable("CUDA_VISIBLE_DEVICES"),
                              ProcessEnvironment("LD_LIBRARY_PATH"), index);
}

// Each needs a host with torch of its own, two cores, and some memory of the device.
int AtMostTogether(int wanted) {
  constexpr int kMost = 8;
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(std::min(wanted, cores / 2), 1, kMost);
}

Machine WithDevice(Machine machine, DeviceInfo device, const std::string& versions) {
  machine.id = Sha256Hex(fmt::format("{}/{}/{}/{}", machine.id, device.name, device.arch, versions))
                   .substr(0, 16);
  machine.compilers.push_back(versions);
  machine.device = std::move(device);
  return machine;
}

Result<std::shared_ptr<ModuleHosts>> StartHosts(int device, const EvaluationConfig& config,
                                                int together, std::stop_token stop) {
  Result<ModuleDevice> found = FindModuleDevice(device);
  if (!found.ok()) {
    return Error{found.error().code,
                 fmt::format("{} (modules on CPU tensors are never timed)", found.error().message)};
  }
  auto hosts = std::make_shared<ModuleHosts>();
  KS_ASSIGN_OR_RETURN(PythonEnvironment python, FindPython());
  KS_ASSIGN_OR_RETURN(hosts->sandbox, Sandbox::Create());
  KS_ASSIGN_OR_RETURN(
      hosts->session,
      ModuleSession::Create(*hosts->sandbox, std::move(python), *std::move(found),
                            config.memory_limit_bytes, ModuleJudge::ProcessesFor(together), stop));
  KS_ASSIGN_OR_RETURN(hosts->device, hosts->session->Describe(std::move(stop)));
  return hosts;
}

}  // namespace

Result<std::shared_ptr<ModuleHosts>> ModuleDevices::Open(int device, const EvaluationConfig& config,
                                                         int together, std::stop_token stop) {
  Entry* entry = nullptr;
  {
    const std::lock_guard lock(mutex_);
    entry = &entries_[device];
  }
  const std::lock_guard lock(entry->mutex);
  if (entry->hosts == nullptr) {
    KS_ASSIGN_OR_RETURN(entry->hosts, StartHosts(device, config, together, std::move(stop)));
  }
  return entry->hosts;
}

Result<LocalModules> OpenModules(const EvaluationConfig& config, std::stop_token stop) {
  LocalModules modules;
  KS_ASSIGN_OR_RETURN(PythonEnvironment python, FindPython());
  KS_ASSIGN_OR_RETURN(modules.sandbox, Sandbox::Create());
  KS_ASSIGN_OR_RETURN(
      modules.evaluator,
      ModuleEvaluator::Create(*modules.sandbox, std::move(python), {}, config, std::move(stop)));
  return modules;
}

bool HasModuleDevice() { return FindModuleDevice(0).ok(); }

Result<TimedModules> OpenTimedModules(const Task& task, const EvaluationConfig& config, int device,
                                      int together, ModuleDevices* shared, std::stop_token stop) {
  TimedModules modules;
  ModuleDevices own;
  const int evaluations = AtMostTogether(together);
  KS_ASSIGN_OR_RETURN(modules.hosts,
                      (shared != nullptr ? *shared : own).Open(device, config, evaluations, stop));
  KS_ASSIGN_OR_RETURN(auto judge, ModuleJudge::Create(modules.hosts->session,
                                                      {task.reference_file, task.reference_source},
                                                      config, evaluations, std::move(stop)));
  modules.facts = judge->facts();
  KS_ASSIGN_OR_RETURN(const auto host, OpenHostBackend());
  const std::string& versions = modules.hosts->session->Versions();
  modules.backend = std::make_unique<ModuleBackend>(
      WithDevice(host->machine(), modules.hosts->device, versions), versions);
  modules.evaluator =
      std::make_unique<LocalEvaluator>(task, *modules.backend, std::move(judge), config);
  return modules;
}

Result<Task> OpenModuleTask(const std::string& path, const std::vector<std::string>& seed_files) {
  const PosixFileSystem files;
  KS_ASSIGN_OR_RETURN(const ModuleSource module, ReadModule(path));
  std::vector<std::string> paths = seed_files;
  const std::string folder = path.substr(0, path.ends_with(".py") ? path.size() - 3 : path.size());
  std::vector<std::string> beside = files.List(folder + ".seeds").value_or({});
  std::ranges::sort(beside);
  for (const std::string& name : beside) {
    if (name.ends_with(".py")) paths.push_back(folder + ".seeds/" + name);
  }
  std::vector<ModuleSource> seeds;
  for (const std::string& one : paths) {
    KS_ASSIGN_OR_RETURN(ModuleSource seed, ReadModule(one));
    seeds.push_back(std::move(seed));
  }
  return ModuleTask(module, seeds);
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
