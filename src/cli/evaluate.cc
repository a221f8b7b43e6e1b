// `ksmith evaluate`: one evaluation with everything that was learnt.
#include <fmt/format.h>

#include "base/file.h"
#include "base/rng.h"
#include "cli/commands.h"
#include "cli/config_file.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/modules.h"
#include "cli/wiring.h"
#include "report/show.h"

namespace ks {
namespace {

constexpr size_t kMaxKernelBytes = 1 << 20;

// ERRORS: kNotFound; kInvalidArgument for a folder, a file that is not text, or one too large.
Result<std::string> ReadKernel(const std::string& path) {
  KS_ASSIGN_OR_RETURN(std::string source, PosixFileSystem().Read(path, kMaxKernelBytes));
  if (source.find('\0') != std::string::npos) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: this is a binary file; --kernel wants source text", path)};
  }
  return source;
}

struct Judged {
  Evaluation evaluation;
  std::string source;
};

// Against the module itself, on a CUDA device.
Result<Judged> JudgeTimedModule(const EvaluateOptions& options, const EvaluationConfig& config,
                                std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const Task task, OpenModuleTask(options.task, {}));
  KS_ASSIGN_OR_RETURN(ModuleSource candidate, ReadModule(options.kernel_file));
  KS_ASSIGN_OR_RETURN(const TimedModules modules,
                      OpenTimedModules(task, config, options.device, /*together=*/1,
                                       /*shared=*/nullptr, stop));
  EvaluationRequest request;
  request.source = candidate.text;
  request.stages = options.stages;
  request.baseline_source = task.seeds.front().source;
  KS_ASSIGN_OR_RETURN(Evaluation evaluation, modules.evaluator->Evaluate(request, std::move(stop)));
  if (!evaluation.module) evaluation.module = modules.facts;
  if (!options.stages.time) evaluation.module->untimed = "the time stage was not asked for";
  return Judged{std::move(evaluation), std::move(candidate.text)};
}

Result<Judged> JudgeModule(const EvaluateOptions& options, const EvaluationConfig& config,
                           std::stop_token stop) {
  if (!options.service.url.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "PyTorch modules are evaluated on this machine only: leave --evaluator out"};
  }
  if (options.stages.profile) {
    return Error{ErrorCode::kInvalidArgument, "PyTorch modules have no profile: leave it out"};
  }
  KS_ASSIGN_OR_RETURN(const ModuleSource module, ReadModule(options.task));
  if (HasModuleDevice()) return JudgeTimedModule(options, config, std::move(stop));
  KS_ASSIGN_OR_RETURN(ModuleSource candidate, ReadModule(options.kernel_file));
  KS_ASSIGN_OR_RETURN(const LocalModules modules, OpenModules(config, stop));
  KS_ASSIGN_OR_RETURN(Evaluation evaluation,
                      modules.evaluator->Evaluate(module, candidate, options.stages, SecretSeed(),
                                                  std::move(stop)));
  return Judged{std::move(evaluation), std::move(candidate.text)};
}

Result<Judged> Judge(const EvaluateOptions& options, std::stop_token stop) {
  RunConfig config;
  if (!options.config_file.empty()) {
    KS_ASSIGN_OR_RETURN(config, ReadConfigFile(options.config_file));
  }
  if (options.backend == kTorchBackend) {
    return JudgeModule(options, config.evaluation, std::move(stop));
  }
  KS_ASSIGN_OR_RETURN(const Task opened, OpenTask(options.task));
  KS_ASSIGN_OR_RETURN(std::string source, ReadKernel(options.kernel_file));
  const bool remote = !options.service.url.empty();
  std::unique_ptr<Backend> backend;
  Task task = opened;
  if (!remote) {  // a service takes the workloads of its device itself
    KS_ASSIGN_OR_RETURN(backend, OpenBackend(options.backend, options.device));
    task = ForDeviceClass(opened, backend->device_class());
  }
  const SeedKernel* seed = task.FindSeed(options.backend);
  if (seed == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("task '{}' has no seed for backend '{}'", task.name, options.backend)};
  }
  std::unique_ptr<Evaluator> evaluator;
  if (remote) {
    KS_ASSIGN_OR_RETURN(evaluator, ConnectEvaluator(task, options.backend, config.evaluation,
                                                    options.service, stop));
  } else {
    evaluator = MakeEvaluator(task, *backend, config.evaluation);
  }
  EvaluationRequest request;
  request.source = source;
  request.stages = options.stages;
  request.baseline_source = seed->source;
  request.seed = config.seed;
  KS_ASSIGN_OR_RETURN(Evaluation evaluation, evaluator->Evaluate(request, std::move(stop)));
  return Judged{std::move(evaluation), std::move(source)};
}

}  // namespace

int EvaluateKernel(const EvaluateOptions& options, const Console& console) {
  const InterruptGuard interrupt("\n");
  const Result<Judged> judged = Judge(options, interrupt.token());
  if (!judged.ok()) return console.Fail(judged.error());
  const auto& module = judged->evaluation.module;
  const bool timed = options.stages.time && (!module || module->untimed.empty());
  const EvaluationInput input{&judged->evaluation, options.task,   options.backend,
                              options.kernel_file, judged->source, timed};
  console.Out(options.json ? EvaluationJson(input) + "\n" : EvaluationText(input, console.style));
  return AsMeasured(judged->evaluation.outcome) != nullptr ? kExitFine : kExitFailed;
}

}  // namespace ks
