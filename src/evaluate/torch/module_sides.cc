#include "evaluate/torch/module_sides.h"

#include <fmt/format.h>

#include <utility>

#include "evaluate/torch/module_outcome.h"

namespace ks {
namespace {

using Json = nlohmann::json;

// The user's own file: patience, but not without end.
constexpr double kReferenceTimeoutS = 120;
constexpr double kRestTimeoutS = 5;

}  // namespace

Result<ModuleAnswer> ModuleReference::Ask(const Json& message, const std::string& wanted,
                                          std::stop_token stop) {
  return AskModule(child_->channel(), message, {}, wanted, kReferenceTimeoutS, std::move(stop));
}

Result<Json> ModuleReference::MustAnswer(const Json& message, const std::string& wanted,
                                         std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(ModuleAnswer answer, Ask(message, wanted, std::move(stop)));
  if (auto* const json = std::get_if<Json>(&answer)) return std::move(*json);
  return Error{ErrorCode::kInvalidArgument, FaultOf(answer)};
}

Result<ModuleReply> ModuleReference::AskBeside(const Json& message, const std::string& wanted,
                                               const std::string& stage, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(ModuleAnswer answer, Ask(message, wanted, std::move(stop)));
  if (auto* const json = std::get_if<Json>(&answer)) return ModuleReply(std::move(*json));
  const auto* const problem = std::get_if<ModuleProblem>(&answer);
  if (problem != nullptr && problem->phase == "memory") {
    return ModuleReply(Outcome(OutOfMemory{stage, 0}));
  }
  return Error{ErrorCode::kInvalidArgument, FaultOf(answer)};
}

Result<std::vector<UniqueFd>> ModuleReference::TakeFiles(size_t count) {
  std::vector<UniqueFd> files = child_->channel().TakeFiles();
  if (files.size() == count) return files;
  return Error{ErrorCode::kInternal,
               fmt::format("{}: its process hands over {} memories in place of {}", file_,
                           files.size(), count)};
}

std::string ModuleReference::FaultOf(const ModuleAnswer& answer) const {
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

Result<ModuleReply> ModuleCandidate::Ask(const Json& message, std::span<const int> files,
                                         const std::string& wanted, const std::string& stage,
                                         double timeout_s, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(ModuleAnswer answer, AskModule(child_->channel(), message, files, wanted,
                                                     timeout_s, std::move(stop)));
  if (const auto* const silence = std::get_if<ModuleSilence>(&answer)) {
    const Result<ModuleExit> exit = child_->End();
    if (silence->timed_out) return ModuleReply(Outcome(TimedOut{stage, timeout_s}));
    if (!exit.ok()) return ModuleReply(Outcome(Crashed{workload_, 0, "its host ended with it"}));
    return ModuleReply(OutcomeOf(*exit, workload_));
  }
  const ModuleCensus census = child_->Census();  // also where it does not count: it takes time
  if (company_) return ModuleReply(*std::exchange(company_, std::nullopt));
  if (census_) {
    if (auto company = OutcomeOf(census, allowed_threads_)) return ModuleReply(*std::move(company));
  }
  if (const auto* const problem = std::get_if<ModuleProblem>(&answer)) {
    return ModuleReply(OutcomeOf(*problem));
  }
  if (auto* const json = std::get_if<Json>(&answer)) return ModuleReply(std::move(*json));
  return ModuleReply(Outcome(Rejected{"forged_answer", "its process says what was not asked for"}));
}

bool ModuleCandidate::Rest(std::stop_token stop) {
  if (child_ == nullptr || child_->HasEnded()) return false;
  const Result<ModuleReply> reply =
      Ask({{"op", "rest"}}, {}, "rested", "time", kRestTimeoutS, std::move(stop));
  return reply.ok() && std::holds_alternative<Json>(*reply);
}

void ModuleCandidate::Pause(bool paused) {
  if (child_ == nullptr || paused == paused_) return;
  paused_ = child_->Pause(paused) ? paused : false;
  if (paused_ && census_ && !company_) company_ = OutcomeOf(child_->Census(), allowed_threads_);
}

void ModuleCandidate::End() {
  if (child_ != nullptr && give_back_) give_back_(std::move(child_));
  child_.reset();
}

}  // namespace ks
