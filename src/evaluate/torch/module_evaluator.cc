#include "evaluate/torch/module_evaluator.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

#include "evaluate/torch/module_check.h"

namespace ks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTogether = 1;
constexpr const char* kUntimedOnCpu =
    "modules run on CPU tensors here: good for a verdict, never for a speed-up";

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Result<std::unique_ptr<ModuleEvaluator>> ModuleEvaluator::Create(const Sandbox& sandbox,
                                                                 PythonEnvironment python,
                                                                 ModuleDevice device,
                                                                 const EvaluationConfig& config,
                                                                 std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto session,
                      ModuleSession::Create(sandbox, std::move(python), std::move(device),
                                            config.memory_limit_bytes, kTogether, std::move(stop)));
  return std::unique_ptr<ModuleEvaluator>(
      new ModuleEvaluator(std::move(session), config));  // private
}

Result<ModuleAdmission> ModuleEvaluator::Admit(const ModuleSource& module, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(OpenModule opened, session_->Open(module, std::move(stop)));
  return std::move(opened.admission);
}

Result<Evaluation> ModuleEvaluator::Evaluate(const ModuleSource& module,
                                             const ModuleSource& candidate_source,
                                             const Stages& stages, uint64_t secret_seed,
                                             std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const OpenModule opened, session_->Open(module, stop));
  const ModuleAdmission& admission = opened.admission;
  if (!admission.admitted) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is not admitted: {}", module.file, admission.FirstFault())};
  }
  KS_ASSIGN_OR_RETURN(const auto candidate, session_->StartCandidate(admission.facts, stop));
  Evaluation evaluation;
  evaluation.outcome = Measured{};
  evaluation.module = admission.facts;
  evaluation.module->untimed = !stages.time                   ? "the time stage was not asked for"
                               : session_->device().is_cuda() ? "a comparison takes times"
                                                              : kUntimedOnCpu;
  evaluation.compiler = session_->Versions();
  const Clock::time_point start = Clock::now();
  KS_ASSIGN_OR_RETURN(std::optional<Outcome> ended,
                      LoadModule(*candidate, candidate_source, admission.facts, config_, stop));
  evaluation.seconds.compile = SecondsSince(start);
  if (!ended && (stages.check || stages.time)) {
    const Clock::time_point check = Clock::now();
    KS_ASSIGN_OR_RETURN(ended, CheckModule(*opened.reference, *candidate, config_, secret_seed,
                                           *evaluation.module, std::move(stop)));
    evaluation.seconds.check = SecondsSince(check);
  }
  if (ended) evaluation.outcome = *std::move(ended);
  candidate->End();
  return evaluation;
}

}  // namespace ks
