#include "evaluate/torch/module_check.h"

#include <utility>

#include "base/rng.h"
#include "evaluate/torch/module_outcome.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr int kCallsOfTrial = 3;

}  // namespace

Result<std::optional<Outcome>> LoadModule(ModuleCandidate& candidate, const ModuleSource& source,
                                          const ModuleFacts& facts, const EvaluationConfig& config,
                                          std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(ModuleReply reply, candidate.Ask({{"op", "load"},
                                                        {"source", source.text},
                                                        {"file", source.file},
                                                        {"precision", facts.precision}},
                                                       {}, "loaded", "compile",
                                                       config.compile_timeout_s, std::move(stop)));
  auto* const outcome = std::get_if<Outcome>(&reply);
  return outcome == nullptr ? std::nullopt : std::optional(std::move(*outcome));
}

Result<std::variant<ModuleCall, Outcome>> DrawCall(ModuleReference& reference, const Json& draw,
                                                   std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(ModuleReply drawn,
                      reference.AskBeside(draw, "call", "check", std::move(stop)));
  if (auto* const outcome = std::get_if<Outcome>(&drawn)) {
    return std::variant<ModuleCall, Outcome>(std::move(*outcome));
  }
  ModuleCall call;
  call.ask = std::get<Json>(std::move(drawn));
  KS_ASSIGN_OR_RETURN(std::vector<UniqueFd> memory, reference.TakeFiles(1));
  call.memory = std::move(memory.front());
  call.number = IntegerOf(call.ask, "call");
  call.ask["op"] = "call";
  call.ask["new_model"] = draw.contains("model_seed");
  call.ask["init"] = reference.init;
  return std::variant<ModuleCall, Outcome>(std::move(call));
}

Result<std::optional<Outcome>> RunCall(ModuleCandidate& candidate, const ModuleCall& call,
                                       double timeout_s, std::stop_token stop) {
  const int file = call.memory.get();
  KS_ASSIGN_OR_RETURN(ModuleReply reply, candidate.Ask(call.ask, {&file, 1}, "done", "check",
                                                       timeout_s, std::move(stop)));
  auto* const outcome = std::get_if<Outcome>(&reply);
  return outcome == nullptr ? std::nullopt : std::optional(std::move(*outcome));
}

Result<std::optional<Outcome>> CheckModule(ModuleReference& reference, ModuleCandidate& candidate,
                                           const EvaluationConfig& config, uint64_t secret_seed,
                                           ModuleFacts& facts, std::stop_token stop) {
  int64_t first_of_trial = 0;
  for (int i = 0; i < kCallsOfTrial * config.check_trials; ++i) {
    const int place = i % kCallsOfTrial;
    const auto index = static_cast<uint64_t>(i);
    Json draw = {{"op", "draw"}, {"input_seed", DeriveSeed(secret_seed, "inputs", index)}};
    if (place == 0) draw["model_seed"] = DeriveSeed(secret_seed, "weights", index);
    if (place == kCallsOfTrial - 1) draw["repeat"] = first_of_trial;
    KS_ASSIGN_OR_RETURN(auto drawn, DrawCall(reference, draw, stop));
    if (auto* const outcome = std::get_if<Outcome>(&drawn)) return std::optional(*outcome);
    const auto& call = std::get<ModuleCall>(drawn);
    if (place == 0) first_of_trial = call.number;
    // The first call of a candidate compiles what it launches.
    const double timeout_s = config.call_timeout_s + (i == 0 ? config.compile_timeout_s : 0.0);
    KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault, RunCall(candidate, call, timeout_s, stop));
    if (fault) return fault;
    Json judge = {{"op", "judge"}, {"call", call.number}, {"repeat", nullptr}};
    if (draw.contains("repeat")) judge["repeat"] = draw["repeat"];
    KS_ASSIGN_OR_RETURN(const ModuleReply judged,
                        reference.AskBeside(judge, "verdict", "check", stop));
    if (const auto* const outcome = std::get_if<Outcome>(&judged)) return std::optional(*outcome);
    const Json& verdict = std::get<Json>(judged);
    const std::string oracle = TextOf(verdict, "oracle");
    if (!oracle.empty()) facts.oracle = oracle;
    if (auto outcome = OutcomeOfVerdict(verdict, candidate.workload())) return outcome;
    ++facts.calls;
  }
  return std::optional<Outcome>();
}

}  // namespace ks
