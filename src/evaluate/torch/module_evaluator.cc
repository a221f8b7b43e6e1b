#include "evaluate/torch/module_evaluator.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/rng.h"
#include "evaluate/torch/module_outcome.h"
#include "evaluate/torch/module_talk.h"
#include "sandbox/memory_file.h"

namespace ks {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

// The user's own file: patience, but not without end.
constexpr double kReferenceTimeoutS = 120;
constexpr const char* kUntimed =
    "modules run on CPU tensors here: good for a verdict, never for a speed-up";

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

// The trusted side of one evaluation. Errors and silence there are the module's fault: Errors.
class ModuleEvaluator::Reference {
 public:
  Reference(std::unique_ptr<ModuleChannel> channel, std::string file)
      : channel_(std::move(channel)), file_(std::move(file)) {}

  // Problems are values here: the gate reports them.
  Result<ModuleAnswer> Ask(const Json& message, std::span<const int> files,
                           const std::string& wanted, std::stop_token stop) {
    return AskModule(*channel_, message, files, wanted, kReferenceTimeoutS, std::move(stop));
  }
  // ERRORS: kInvalidArgument for whatever is not an answer.
  Result<Json> MustAnswer(const Json& message, std::span<const int> files,
                          const std::string& wanted, std::stop_token stop) {
    KS_ASSIGN_OR_RETURN(ModuleAnswer answer, Ask(message, files, wanted, std::move(stop)));
    if (auto* const json = std::get_if<Json>(&answer)) return std::move(*json);
    return Error{ErrorCode::kInvalidArgument, FaultOf(answer)};
  }
  std::string FaultOf(const ModuleAnswer& answer) const {
    if (const auto* const problem = std::get_if<ModuleProblem>(&answer)) {
      const std::string line = problem->line > 0 ? fmt::format(":{}", problem->line) : "";
      return fmt::format("{}{}: {}: {}", file_, line, problem->phase, problem->message);
    }
    const auto* const silence = std::get_if<ModuleSilence>(&answer);
    if (silence != nullptr && silence->timed_out) {
      return fmt::format("{}: no answer in {} s", file_, kReferenceTimeoutS);
    }
    return fmt::format("{}: its process ended", file_);
  }

  Json init;  // arguments of the constructor

 private:
  std::unique_ptr<ModuleChannel> channel_;
  const std::string file_;
};

// The hostile side of one evaluation: everything that goes wrong is an Outcome.
class ModuleEvaluator::Candidate {
 public:
  Candidate(ModuleHost& host, std::unique_ptr<ModuleChannel> channel, std::string workload)
      : host_(host), channel_(std::move(channel)), workload_(std::move(workload)) {}

  // Empty: it answered as it should, and nothing runs beside it.
  Result<std::optional<Outcome>> Ask(const Json& message, std::span<const int> files,
                                     const std::string& wanted, const std::string& stage,
                                     double timeout_s, std::stop_token stop) {
    KS_ASSIGN_OR_RETURN(const ModuleAnswer answer,
                        AskModule(*channel_, message, files, wanted, timeout_s, std::move(stop)));
    if (const auto* const silence = std::get_if<ModuleSilence>(&answer)) {
      const Result<ModuleExit> exit = host_.End();
      if (silence->timed_out) return std::optional<Outcome>(TimedOut{stage, timeout_s});
      if (!exit.ok()) return exit.error();
      return std::optional<Outcome>(OutcomeOf(*exit, workload_));
    }
    if (std::optional<Outcome> company = OutcomeOf(host_.Census())) return company;
    if (const auto* const problem = std::get_if<ModuleProblem>(&answer)) {
      return std::optional<Outcome>(OutcomeOf(*problem));
    }
    if (std::holds_alternative<ModuleNonsense>(answer)) {
      return std::optional<Outcome>(
          Rejected{"forged_answer", "its process says what was not asked for"});
    }
    return std::optional<Outcome>();
  }
  const std::string& workload() const { return workload_; }

 private:
  ModuleHost& host_;
  std::unique_ptr<ModuleChannel> channel_;
  const std::string workload_;
};

ModuleEvaluator::ModuleEvaluator(const Sandbox& sandbox, PythonEnvironment python,
                                 const EvaluationConfig& config)
    : sandbox_(sandbox), python_(std::move(python)), config_(config) {}

ModuleEvaluator::~ModuleEvaluator() = default;

Result<std::unique_ptr<ModuleEvaluator>> ModuleEvaluator::Create(const Sandbox& sandbox,
                                                                 PythonEnvironment python,
                                                                 const EvaluationConfig& config,
                                                                 std::stop_token stop) {
  std::unique_ptr<ModuleEvaluator> evaluator(
      new ModuleEvaluator(sandbox, std::move(python), config));  // private
  KS_ASSIGN_OR_RETURN(evaluator->trusted_,
                      ModuleHost::Create(sandbox, evaluator->python_, std::move(stop)));
  return evaluator;
}

Result<std::unique_ptr<ModuleChannel>> ModuleEvaluator::Start(ModuleRole role,
                                                              std::stop_token stop) {
  std::unique_ptr<ModuleHost>& host = role == ModuleRole::kReference ? trusted_ : hostile_;
  const int64_t memory_bytes = role == ModuleRole::kReference ? 0 : config_.memory_limit_bytes;
  if (host != nullptr) {
    auto channel = host->Start(role, memory_bytes, stop);
    if (channel.ok() || channel.error().code != ErrorCode::kUnavailable) return channel;
  }
  KS_ASSIGN_OR_RETURN(host, ModuleHost::Create(sandbox_, python_, stop));
  return host->Start(role, memory_bytes, std::move(stop));
}

struct ModuleEvaluator::Opened {
  std::unique_ptr<Reference> reference;
  ModuleAdmission admission;
};

Result<ModuleEvaluator::Opened> ModuleEvaluator::Open(const ModuleSource& module,
                                                      std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto channel, Start(ModuleRole::kReference, stop));
  Opened opened{std::make_unique<Reference>(std::move(channel), module.file), {}};
  ModuleAdmission& admission = opened.admission;
  KS_ASSIGN_OR_RETURN(const ModuleAnswer answer,
                      opened.reference->Ask({{"op", "open"},
                                             {"source", module.text},
                                             {"file", module.file},
                                             {"workload", "small"},
                                             {"memory_bytes", config_.memory_limit_bytes}},
                                            {}, "workload", stop));
  const auto* const info = std::get_if<Json>(&answer);
  admission.checks.push_back({"opens", info != nullptr, ""});
  if (info == nullptr) {
    admission.checks.back().reason = opened.reference->FaultOf(answer);
    return opened;
  }
  opened.reference->init = info->value("init", Json::array());
  admission.facts.workload = TextOf(*info, "workload");
  admission.facts.note = TextOf(*info, "note");
  admission.facts.precision = TextOf(*info, "precision");
  admission.full_bytes = IntegerOf(*info, "full_bytes");
  KS_ASSIGN_OR_RETURN(const ModuleAnswer judged,
                      opened.reference->Ask({{"op", "gate"}}, {}, "checks", std::move(stop)));
  const auto* const gate = std::get_if<Json>(&judged);
  if (gate == nullptr) {
    admission.checks.push_back({"runs", false, opened.reference->FaultOf(judged)});
    return opened;
  }
  for (const Json& check : (*gate)["checks"]) {
    admission.checks.push_back(
        {TextOf(check, "name"), TruthOf(check, "passed"), TextOf(check, "reason")});
  }
  admission.parameters = IntegerOf(*gate, "parameters");
  admission.admitted = TruthOf(*gate, "admitted");
  return opened;
}

Result<ModuleAdmission> ModuleEvaluator::Admit(const ModuleSource& module, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(Opened opened, Open(module, std::move(stop)));
  return std::move(opened.admission);
}

Result<Evaluation> ModuleEvaluator::Evaluate(const ModuleSource& module,
                                             const ModuleSource& candidate_source,
                                             const Stages& stages, uint64_t secret_seed,
                                             std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(const Opened opened, Open(module, stop));
  const ModuleAdmission& admission = opened.admission;
  if (!admission.admitted) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} is not admitted: {}", module.file, admission.FirstFault())};
  }
  KS_ASSIGN_OR_RETURN(auto hostile, Start(ModuleRole::kCandidate, stop));
  Candidate candidate(*hostile_, std::move(hostile), admission.facts.workload);
  Evaluation evaluation;
  evaluation.outcome = Measured{};
  evaluation.module = admission.facts;
  evaluation.module->untimed = stages.time ? kUntimed : "the time stage was not asked for";
  evaluation.compiler = "torch " + hostile_->torch_version();
  if (!hostile_->triton_version().empty()) {
    evaluation.compiler += ", triton " + hostile_->triton_version() + " (interpreter)";
  }
  const Clock::time_point start = Clock::now();
  KS_ASSIGN_OR_RETURN(
      std::optional<Outcome> ended,
      candidate.Ask(
          {{"op", "load"}, {"source", candidate_source.text}, {"file", candidate_source.file}}, {},
          "loaded", "compile", config_.compile_timeout_s, stop));
  evaluation.seconds.compile = SecondsSince(start);
  if (ended) {
    evaluation.outcome = *std::move(ended);
  } else if (stages.check || stages.time) {
    const Clock::time_point check = Clock::now();
    KS_RETURN_IF_ERROR(
        Check(*opened.reference, candidate, secret_seed, evaluation, std::move(stop)));
    evaluation.seconds.check = SecondsSince(check);
  }
  KS_ASSIGN_OR_RETURN(const ModuleExit exit, hostile_->End());
  static_cast<void>(exit);
  return evaluation;
}

// A trial is a new ModelNew with new weights: two calls with new inputs, then the first again.
Status ModuleEvaluator::Check(Reference& reference, Candidate& candidate, uint64_t secret_seed,
                              Evaluation& evaluation, std::stop_token stop) {
  constexpr int kCallsOfTrial = 3;
  int64_t first_of_trial = 0;
  for (int call = 0; call < kCallsOfTrial * config_.check_trials; ++call) {
    const int place = call % kCallsOfTrial;
    const auto index = static_cast<uint64_t>(call);
    Json draw = {{"op", "draw"}, {"input_seed", DeriveSeed(secret_seed, "inputs", index)}};
    if (place == 0) draw["model_seed"] = DeriveSeed(secret_seed, "weights", index);
    if (place == 0) first_of_trial = call;
    if (place == kCallsOfTrial - 1) draw["repeat"] = first_of_trial;
    KS_ASSIGN_OR_RETURN(Json ask, reference.MustAnswer(draw, {}, "bytes", stop));
    const int64_t bytes = IntegerOf(ask, "bytes");
    KS_ASSIGN_OR_RETURN(const UniqueFd memory,
                        NewSharedFile("ksmith-module", static_cast<size_t>(bytes)));
    const int file = memory.get();
    KS_ASSIGN_OR_RETURN(const Json filled, reference.MustAnswer({{"op", "fill"}, {"bytes", bytes}},
                                                                {&file, 1}, "call", stop));
    ask["op"] = "call";
    ask["new_model"] = place == 0;
    ask["init"] = reference.init;
    KS_ASSIGN_OR_RETURN(
        std::optional<Outcome> ended,
        candidate.Ask(ask, {&file, 1}, "done", "check", config_.call_timeout_s, stop));
    if (!ended) {
      Json judge = {{"op", "judge"}, {"call", IntegerOf(filled, "call")}, {"repeat", nullptr}};
      if (draw.contains("repeat")) judge["repeat"] = draw["repeat"];
      KS_ASSIGN_OR_RETURN(const Json verdict, reference.MustAnswer(judge, {}, "verdict", stop));
      ended = OutcomeOfVerdict(verdict, candidate.workload());
      evaluation.module->oracle = TextOf(verdict, "oracle");
    }
    if (ended) {
      evaluation.outcome = *std::move(ended);
      return {};
    }
    ++evaluation.module->calls;
  }
  return {};
}

}  // namespace ks
