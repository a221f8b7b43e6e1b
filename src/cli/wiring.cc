#include "cli/wiring.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "archive/island_archive.h"
#include "backend/cpu/cpu_backend.h"
#include "base/check.h"
#include "base/rng.h"
#include "base/text.h"
#include "cli/config_file.h"
#include "cli/device_wiring.h"
#include "cli/modules.h"
#include "cli/token_file.h"
#include "evaluate/device_judge.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/process_judge.h"
#include "propose/builtin_proposer.h"
#include "propose/normalize.h"
#include "propose/skills/registry.h"
#include "service/remote_evaluator.h"
#include "task/library.h"

namespace ks {
namespace {

const std::vector<std::string> kBackends = {"cpu", "cuda", "triton", "opencl"};
const std::vector<std::string> kProposers = {"builtin", "random"};

Error Unknown(std::string_view what, const std::string& name,
              const std::vector<std::string>& known) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("there is no {} '{}' (known: {})", what, name, Join(known, ", "))};
}

// The origin of a task is a folder or nothing, that of a module its file.
bool IsModuleFile(const std::string& origin) {
  return origin.ends_with(".py") && !PosixFileSystem().IsDir(origin);
}

// The last core this process may use: the first ones get most interrupts. -1: there is only one.
int TimingCore() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0 || CPU_COUNT(&cores) < 2) return -1;
  int last = CPU_SETSIZE - 1;
  while (!CPU_ISSET(last, &cores)) --last;
  return last;
}

}  // namespace

Result<Task> OpenTask(const std::string& name_or_folder) {
  return TaskLibrary().Find(PosixFileSystem(), name_or_folder);
}

Result<Task> OpenLibraryTask(const std::string& name) { return TaskLibrary().Load(name); }

Result<Task> OpenRecordedTask(const RunStarted& started) {
  const std::string origin = TaskOriginIn(started.config_json);
  Result<Task> task = IsModuleFile(origin) ? OpenModuleTask(origin, {})
                                           : OpenTask(origin.empty() ? started.task : origin);
  if (!task.ok()) return task.error().Under("the task of this run");
  return task;
}

Result<std::vector<Task>> LibraryTasks() {
  const TaskLibrary library;
  std::vector<Task> tasks;
  for (const std::string& name : library.names()) {
    KS_ASSIGN_OR_RETURN(Task task, library.Load(name));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

Result<std::unique_ptr<Backend>> OpenBackend(const std::string& name, int device) {
  if (std::find(kBackends.begin(), kBackends.end(), name) == kBackends.end()) {
    return Unknown("backend", name, kBackends);
  }
  KS_ASSIGN_OR_RETURN(std::unique_ptr<ProcessBackend> host, OpenHostBackend());
  if (name == "cpu") {
    if (device == 0) return std::unique_ptr<Backend>(std::move(host));
    return Error{ErrorCode::kInvalidArgument, "the backend 'cpu' has one device, number 0"};
  }
  KS_ASSIGN_OR_RETURN(std::unique_ptr<DeviceBackend> backend,
                      OpenDeviceBackend(name, device, std::move(host)));
  return std::unique_ptr<Backend>(std::move(backend));
}

Result<std::unique_ptr<ProcessBackend>> OpenHostBackend() {
  KS_ASSIGN_OR_RETURN(std::unique_ptr<CpuBackend> backend, CpuBackend::Create({}));
  return std::unique_ptr<ProcessBackend>(std::move(backend));
}

std::unique_ptr<Evaluator> MakeEvaluator(const Task& task, Backend& backend,
                                         const EvaluationConfig& config, Backend* compiler) {
  Backend& compiles = compiler == nullptr ? backend : *compiler;
  if (auto* const device = dynamic_cast<DeviceBackend*>(&backend)) {
    auto judge = std::make_unique<DeviceJudge>(task, *device, config, SecretSeed());
    return std::make_unique<LocalEvaluator>(task, compiles, std::move(judge), config);
  }
  auto* const process = dynamic_cast<ProcessBackend*>(&backend);
  KS_CHECK(process != nullptr);
  const int core = task.max_threads == 1 ? TimingCore() : -1;
  auto judge = std::make_unique<ProcessJudge>(task, *process, config, core);
  return std::make_unique<LocalEvaluator>(task, compiles, std::move(judge), config);
}

Result<std::unique_ptr<Evaluator>> ConnectEvaluator(const Task& task, const std::string& backend,
                                                    const EvaluationConfig& config,
                                                    const RemoteService& service,
                                                    std::stop_token stop) {
  RemoteOptions options;
  options.url = service.url;
  options.backend = backend;
  options.ca_file = service.ca_file;
  if (!service.token_file.empty()) {
    KS_ASSIGN_OR_RETURN(options.token, ReadTokenFile(PosixFileSystem(), service.token_file));
  }
  KS_ASSIGN_OR_RETURN(std::unique_ptr<RemoteEvaluator> evaluator,
                      RemoteEvaluator::Connect(task, config, options, std::move(stop)));
  return std::unique_ptr<Evaluator>(std::move(evaluator));
}

Status CheckProposerName(const std::string& name) {
  if (IsLlmProposer(name)) return {};
  if (std::find(kProposers.begin(), kProposers.end(), name) != kProposers.end()) return {};
  std::vector<std::string> known = kProposers;
  known.insert(known.end(), LlmProposerNames().begin(), LlmProposerNames().end());
  return Unknown("proposer", name, known);
}

Result<std::unique_ptr<Proposer>> MakeProposer(const RunConfig& config, const LlmSetup& setup) {
  KS_RETURN_IF_ERROR(CheckProposerName(config.proposer));
  if (IsLlmProposer(config.proposer)) return MakeLlmProposer(config, setup);
  const auto choice = config.proposer == "random" ? BuiltinProposer::Choice::kRandom
                                                  : BuiltinProposer::Choice::kScored;
  return std::unique_ptr<Proposer>(
      std::make_unique<BuiltinProposer>(AllSkills(), AllDeviceSkills(), choice, AllModuleSkills()));
}

std::unique_ptr<Archive> MakeArchive(const RunConfig& config) {
  return NewArchive(config.search, config.archive, DescriptorSpaceOf(config.backend));
}

std::string NormalizedSource(const std::string& source) { return NormalizeSource(source); }

}  // namespace ks
