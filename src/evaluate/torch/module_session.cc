#include "evaluate/torch/module_session.h"

#include <fmt/format.h>

#include <future>
#include <utility>

namespace ks {
namespace {

using Json = nlohmann::json;

// A context and the libraries' handles, on a machine that is busy.
constexpr double kWarmTimeoutS = 60;

}  // namespace

ModuleSession::ModuleSession(const Sandbox& sandbox, PythonEnvironment python, ModuleDevice device,
                             const EvaluationConfig& config)
    : sandbox_(sandbox), python_(std::move(python)), device_(std::move(device)), config_(config) {}

Result<std::unique_ptr<ModuleSession>> ModuleSession::Create(const Sandbox& sandbox,
                                                             PythonEnvironment python,
                                                             ModuleDevice device,
                                                             const EvaluationConfig& config,
                                                             std::stop_token stop) {
  std::unique_ptr<ModuleSession> session(
      new ModuleSession(sandbox, std::move(python), std::move(device), config));  // private
  const auto launch = [&] {
    return ModuleHost::Launch(sandbox, session->python_, session->device_);
  };
  KS_ASSIGN_OR_RETURN(session->trusted_, launch());
  if (session->device_.is_cuda()) {  // times are wanted: all import torch at once
    for (auto& host : session->hostile_) {
      KS_ASSIGN_OR_RETURN(host, launch());
    }
  }
  KS_RETURN_IF_ERROR(session->trusted_->AwaitReady(stop));
  for (const auto& host : session->hostile_) {
    if (host != nullptr) KS_RETURN_IF_ERROR(host->AwaitReady(stop));
  }
  return session;
}

std::string ModuleSession::Versions() const {
  std::string text = "torch " + trusted_->torch_version();
  if (trusted_->triton_version().empty()) return text;
  return text + ", triton " + trusted_->triton_version() +
         (device_.is_cuda() ? "" : " (interpreter)");
}

Result<std::unique_ptr<ModuleChild>> ModuleSession::Start(std::shared_ptr<ModuleHost>& host,
                                                          ModuleRole role, std::stop_token stop) {
  const int64_t memory_bytes = role == ModuleRole::kCandidate ? config_.memory_limit_bytes : 0;
  if (host != nullptr) {
    auto child = host->Start(role, memory_bytes, stop);
    if (child.ok() || child.error().code != ErrorCode::kUnavailable) return child;
  }
  KS_ASSIGN_OR_RETURN(host, ModuleHost::Create(sandbox_, python_, device_, stop));
  return host->Start(role, memory_bytes, std::move(stop));
}

Result<std::unique_ptr<ModuleCandidate>> ModuleSession::Warm(std::unique_ptr<ModuleChild> child,
                                                             const ModuleFacts& facts,
                                                             std::stop_token stop) {
  auto candidate = std::make_unique<ModuleCandidate>(std::move(child), facts.workload);
  if (!device_.is_cuda()) return candidate;
  candidate->AllowAnyThreads();
  KS_ASSIGN_OR_RETURN(const ModuleReply reply,
                      candidate->Ask({{"op", "warm"}, {"precision", facts.precision}}, {}, "warm",
                                     "compile", kWarmTimeoutS, std::move(stop)));
  if (const auto* const outcome = std::get_if<Outcome>(&reply)) {
    return Error{ErrorCode::kUnavailable,
                 "the CUDA device cannot be used: " + OutcomeSummary(*outcome)};
  }
  candidate->AllowWhatRuns();
  return candidate;
}

Result<std::unique_ptr<ModuleCandidate>> ModuleSession::StartCandidate(Slot slot,
                                                                       const ModuleFacts& facts,
                                                                       std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child,
                      Start(hostile_[slot == Slot::kFirst ? 0 : 1], ModuleRole::kCandidate, stop));
  return Warm(std::move(child), facts, std::move(stop));
}

Result<ModuleSession::Trio> ModuleSession::StartTrio(const ModuleFacts& facts, bool swapped,
                                                     std::stop_token stop) {
  // Each of a host of its own, so no two threads use one; contexts take a while to make.
  const auto start = [&](Slot slot) {
    return std::async(std::launch::async, [&, slot] { return StartCandidate(slot, facts, stop); });
  };
  auto rival = start(swapped ? Slot::kSecond : Slot::kFirst);
  auto candidate = start(swapped ? Slot::kFirst : Slot::kSecond);
  auto runner = StartRunner(facts, stop);
  Trio trio;
  auto started_rival = rival.get();
  auto started_candidate = candidate.get();
  KS_ASSIGN_OR_RETURN(trio.rival, std::move(started_rival));
  KS_ASSIGN_OR_RETURN(trio.candidate, std::move(started_candidate));
  KS_ASSIGN_OR_RETURN(trio.runner, std::move(runner));
  return trio;
}

Result<std::unique_ptr<ModuleCandidate>> ModuleSession::StartRunner(const ModuleFacts& facts,
                                                                    std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, Start(trusted_, ModuleRole::kRunner, stop));
  auto runner = std::make_unique<ModuleCandidate>(std::move(child), facts.workload);
  runner->AllowAnyThreads();  // it shares the host with references
  return runner;
}

Result<DeviceInfo> ModuleSession::Describe(std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, Start(trusted_, ModuleRole::kReference, stop));
  ModuleReference reference(std::move(child), "the CUDA device");
  const Result<Json> answer = reference.MustAnswer({{"op", "describe"}}, "device", std::move(stop));
  if (!answer.ok()) {
    if (answer.error().code == ErrorCode::kCancelled) return answer.error();
    return Error{ErrorCode::kFailedPrecondition,
                 "torch cannot use the CUDA device in the sandbox: " + answer.error().message};
  }
  const Json& found = (*answer)["device"];
  DeviceInfo info;
  info.name = TextOf(found, "name");
  info.api = device_.name;
  info.arch = TextOf(found, "arch");
  info.driver = TextOf(found, "driver");
  info.sm_count = static_cast<int>(IntegerOf(found, "sm_count"));
  info.memory_bytes = IntegerOf(found, "memory_bytes");
  info.l2_bytes = IntegerOf(found, "l2_bytes");
  info.threads_per_sm = IntegerOf(found, "threads_per_sm");
  return info;
}

Result<OpenModule> ModuleSession::Open(const ModuleSource& module, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, Start(trusted_, ModuleRole::kReference, stop));
  OpenModule opened{std::make_unique<ModuleReference>(std::move(child), module.file), {}};
  ModuleAdmission& admission = opened.admission;
  KS_ASSIGN_OR_RETURN(const ModuleAnswer answer,
                      opened.reference->Ask({{"op", "open"},
                                             {"source", module.text},
                                             {"file", module.file},
                                             {"workload", device_.is_cuda() ? "full" : "small"},
                                             {"memory_bytes", config_.memory_limit_bytes}},
                                            "workload", stop));
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
                      opened.reference->Ask({{"op", "gate"}}, "checks", std::move(stop)));
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

}  // namespace ks
