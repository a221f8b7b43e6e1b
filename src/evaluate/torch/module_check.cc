#include "evaluate/torch/module_check.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "evaluate/torch/module_outcome.h"

namespace ks {
namespace {

using Json = nlohmann::json;

constexpr int kCallsOfLongTrial = 3;
constexpr int kTrialsALongOne = 5;

// Which trials have three calls: the first, and others by chance.
std::vector<bool> LongTrials(int trials, uint64_t secret_seed) {
  std::vector<bool> is_long(static_cast<size_t>(trials), false);
  is_long.front() = true;
  Rng rng(DeriveSeed(secret_seed, "long trials", 0));
  const int wanted = std::min(std::max(2, trials / kTrialsALongOne), trials);
  for (int found = 1; found < wanted;) {
    const auto place = rng.Below(static_cast<uint64_t>(trials));
    if (is_long[place]) continue;
    is_long[place] = true;
    ++found;
  }
  return is_long;
}

// The check of one candidate. All arguments outlive it.
class Checking {
 public:
  Checking(ModuleReference& reference, ModuleCandidate& candidate, const EvaluationConfig& config,
           uint64_t secret_seed, ModuleFacts& facts, std::stop_token stop)
      : reference_(reference),
        candidate_(candidate),
        config_(config),
        secret_seed_(secret_seed),
        facts_(facts),
        stop_(std::move(stop)) {}

  Result<std::optional<Outcome>> Trial(bool is_long) {
    int64_t first = 0;
    for (int place = 0; place < (is_long ? kCallsOfLongTrial : 1); ++place) {
      const auto index = static_cast<uint64_t>(drawn_);
      Json draw = {{"op", "draw"}, {"input_seed", DeriveSeed(secret_seed_, "inputs", index)}};
      if (place == 0) draw["model_seed"] = DeriveSeed(secret_seed_, "weights", index);
      if (place == kCallsOfLongTrial - 1) draw["repeat"] = first;
      draw["new_memory"] = drawn_ == 0;
      int64_t number = 0;
      KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault, Call(draw, number));
      if (fault) return fault;
      if (place == 0) first = number;
    }
    return std::optional<Outcome>();
  }

 private:
  Result<std::optional<Outcome>> Call(const Json& draw, int64_t& number) {
    KS_ASSIGN_OR_RETURN(auto drawn, DrawCall(reference_, draw, stop_));
    if (auto* const outcome = std::get_if<Outcome>(&drawn)) return std::optional(*outcome);
    const auto& call = std::get<ModuleCall>(drawn);
    number = call.number;
    // The first call of a candidate compiles what it launches.
    const double timeout_s =
        config_.call_timeout_s + (drawn_ == 0 ? config_.compile_timeout_s : 0.0);
    ++drawn_;
    KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault, RunCall(candidate_, call, timeout_s, stop_));
    if (fault) return fault;
    Json judge = {{"op", "judge"}, {"call", call.number}, {"repeat", nullptr}};
    if (draw.contains("repeat")) judge["repeat"] = draw["repeat"];
    KS_ASSIGN_OR_RETURN(const ModuleReply judged,
                        reference_.AskBeside(judge, "verdict", "check", stop_));
    if (const auto* const outcome = std::get_if<Outcome>(&judged)) return std::optional(*outcome);
    const Json& verdict = std::get<Json>(judged);
    const std::string oracle = TextOf(verdict, "oracle");
    if (!oracle.empty()) facts_.oracle = oracle;
    if (auto outcome = OutcomeOfVerdict(verdict, candidate_.workload())) return outcome;
    ++facts_.calls;
    return std::optional<Outcome>();
  }

  ModuleReference& reference_;
  ModuleCandidate& candidate_;
  const EvaluationConfig& config_;
  const uint64_t secret_seed_;
  ModuleFacts& facts_;
  const std::stop_token stop_;
  int drawn_ = 0;
};

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
  const bool is_new = TruthOf(call.ask, "new_memory");
  KS_ASSIGN_OR_RETURN(call.memory, reference.TakeFiles(is_new ? 1 : 0));
  call.number = IntegerOf(call.ask, "call");
  call.ask["op"] = "call";
  call.ask["new_model"] = draw.contains("model_seed");
  call.ask["init"] = reference.init;
  return std::variant<ModuleCall, Outcome>(std::move(call));
}

Result<std::optional<Outcome>> RunCall(ModuleCandidate& candidate, const ModuleCall& call,
                                       double timeout_s, std::stop_token stop) {
  std::vector<int> files;
  for (const UniqueFd& file : call.memory) files.push_back(file.get());
  KS_ASSIGN_OR_RETURN(ModuleReply reply,
                      candidate.Ask(call.ask, files, "done", "check", timeout_s, std::move(stop)));
  auto* const outcome = std::get_if<Outcome>(&reply);
  return outcome == nullptr ? std::nullopt : std::optional(std::move(*outcome));
}

Result<std::optional<Outcome>> CheckModule(ModuleReference& reference, ModuleCandidate& candidate,
                                           const EvaluationConfig& config, uint64_t secret_seed,
                                           ModuleFacts& facts, std::stop_token stop) {
  Checking checking(reference, candidate, config, secret_seed, facts, std::move(stop));
  for (const bool is_long : LongTrials(config.check_trials, secret_seed)) {
    KS_ASSIGN_OR_RETURN(std::optional<Outcome> fault, checking.Trial(is_long));
    if (fault) return fault;
  }
  return std::optional<Outcome>();
}

}  // namespace ks
