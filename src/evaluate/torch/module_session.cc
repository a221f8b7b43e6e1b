#include "evaluate/torch/module_session.h"

#include <fmt/format.h>

#include <utility>

namespace ks {
namespace {

using Json = nlohmann::json;

std::string VersionsOf(const ModuleHost& host, bool is_cuda) {
  std::string text = "torch " + host.torch_version();
  if (host.triton_version().empty()) return text;
  return text + ", triton " + host.triton_version() + (is_cuda ? "" : " (interpreter)");
}

}  // namespace

ModuleSession::ModuleSession(const Sandbox& sandbox, PythonEnvironment python, ModuleDevice device,
                             int64_t memory_bytes)
    : sandbox_(sandbox),
      python_(std::move(python)),
      device_(std::move(device)),
      memory_bytes_(memory_bytes) {}

Result<std::shared_ptr<ModuleSession>> ModuleSession::Create(const Sandbox& sandbox,
                                                             PythonEnvironment python,
                                                             ModuleDevice device,
                                                             int64_t memory_bytes, int first,
                                                             std::stop_token stop) {
  std::shared_ptr<ModuleSession> session(
      new ModuleSession(sandbox, std::move(python), std::move(device), memory_bytes));  // private
  KS_ASSIGN_OR_RETURN(session->trusted_,
                      ModuleHost::Launch(sandbox, session->python_, session->device_));
  session->pool_ = std::make_unique<ModulePool>(sandbox, session->python_, session->device_,
                                                memory_bytes, first, session->gate_);
  KS_RETURN_IF_ERROR(session->trusted_->AwaitReady(std::move(stop)));
  session->versions_ = VersionsOf(*session->trusted_, session->device_.is_cuda());
  return session;
}

Result<std::unique_ptr<ModuleChild>> ModuleSession::StartTrusted(ModuleRole role,
                                                                 std::stop_token stop) {
  const std::lock_guard lock(trusted_mutex_);
  return StartModule(trusted_, role, /*memory_bytes=*/0, sandbox_, python_, device_,
                     std::move(stop));
}

Result<std::unique_ptr<ModuleCandidate>> ModuleSession::StartCandidate(const ModuleFacts& facts,
                                                                       std::stop_token stop) {
  return pool_->Take(facts.workload, std::move(stop));
}

Result<ModuleCandidate*> ModuleSession::Runner(const ModuleFacts& facts, std::stop_token stop) {
  if (runner_ == nullptr) {
    KS_ASSIGN_OR_RETURN(auto child, StartTrusted(ModuleRole::kRunner, std::move(stop)));
    runner_ = std::make_unique<ModuleCandidate>(std::move(child), facts.workload);
    runner_->AllowAnyThreads();  // it shares the host with references
  }
  return runner_.get();
}

Result<DeviceInfo> ModuleSession::Describe(std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, StartTrusted(ModuleRole::kReference, stop));
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

Result<ModuleAnswer> ModuleSession::Load(ModuleReference& reference, const ModuleSource& module,
                                         const Json& chosen, std::stop_token stop) {
  return reference.Ask({{"op", "open"},
                        {"source", module.text},
                        {"file", module.file},
                        {"workload", device_.is_cuda() ? "full" : "small"},
                        {"memory_bytes", memory_bytes_},
                        {"chosen", chosen}},
                       "workload", std::move(stop));
}

Result<std::unique_ptr<ModuleReference>> ModuleSession::OpenAgain(const ModuleSource& module,
                                                                  const Json& chosen,
                                                                  std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, StartTrusted(ModuleRole::kReference, stop));
  auto reference = std::make_unique<ModuleReference>(std::move(child), module.file);
  KS_ASSIGN_OR_RETURN(const ModuleAnswer answer, Load(*reference, module, chosen, std::move(stop)));
  const auto* const info = std::get_if<Json>(&answer);
  if (info == nullptr) return Error{ErrorCode::kInvalidArgument, reference->FaultOf(answer)};
  reference->init = info->value("init", Json::array());
  reference->chosen = chosen;
  return reference;
}

Result<OpenModule> ModuleSession::Open(const ModuleSource& module, std::stop_token stop) {
  KS_ASSIGN_OR_RETURN(auto child, StartTrusted(ModuleRole::kReference, stop));
  OpenModule opened{std::make_unique<ModuleReference>(std::move(child), module.file), {}};
  ModuleAdmission& admission = opened.admission;
  KS_ASSIGN_OR_RETURN(const ModuleAnswer answer, Load(*opened.reference, module, nullptr, stop));
  const auto* const info = std::get_if<Json>(&answer);
  admission.checks.push_back({"opens", info != nullptr, ""});
  if (info == nullptr) {
    admission.checks.back().reason = opened.reference->FaultOf(answer);
    return opened;
  }
  opened.reference->init = info->value("init", Json::array());
  for (const char* const part : {"workload", "full_bytes", "sizes", "note"}) {
    opened.reference->chosen[part] = info->value(part, Json());
  }
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
