#include "sandbox/sandbox.h"

#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "sandbox/launcher.h"

namespace ks {
namespace {

constexpr const char* kMend =
    "; allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
    "kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0) or, in a "
    "container, run it with --security-opt seccomp=unconfined --cap-add SYS_ADMIN";

int LastCapability() {
  const PosixFileSystem files;
  const Result<std::string> text = files.Read("/proc/sys/kernel/cap_last_cap", 64);
  return static_cast<int>(text.ok() ? ParseInt(Trim(*text)).value_or(40) : 40);
}

SandboxSpec TrialSpec() {
  SandboxSpec spec;
  spec.argv = {"/bin/true"};
  return spec;
}

}  // namespace

struct Sandbox::State {
  LaunchSettings settings;  // constant after Create
  mutable CloneThread thread;
};

Sandbox::Sandbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sandbox::~Sandbox() = default;

Result<std::unique_ptr<Sandbox>> Sandbox::Create() {
  auto state = std::make_unique<State>();
  state->settings.last_capability = LastCapability();
  state->settings.root = FindSystemRoot();
  KS_ASSIGN_OR_RETURN(state->settings.compile_filter,
                      BuildFilter(ProfileSpec(SeccompProfile::kCompile)));
  KS_ASSIGN_OR_RETURN(state->settings.runner_filter,
                      BuildFilter(ProfileSpec(SeccompProfile::kRunner)));
  KS_ASSIGN_OR_RETURN(state->settings.device_filter,
                      BuildFilter(ProfileSpec(SeccompProfile::kDevice)));
  std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(state)));  // private constructor
  Result<std::unique_ptr<SandboxProcess>> trial = sandbox->Start(TrialSpec());
  if (!trial.ok() && geteuid() == 0) {
    sandbox->state_->settings.user_namespace = false;
    const Error first = trial.error();
    trial = sandbox->Start(TrialSpec());
    if (!trial.ok()) {
      return Error{trial.error().code, first.message + "; and without a user namespace: " +
                                           trial.error().message + kMend};
    }
  }
  if (!trial.ok()) return Error{trial.error().code, trial.error().message + kMend};
  return sandbox;
}

Result<std::unique_ptr<SandboxProcess>> Sandbox::Start(const SandboxSpec& spec) const {
  return Launch(spec, state_->settings, state_->thread);
}

bool Sandbox::uses_user_namespace() const { return state_->settings.user_namespace; }

}  // namespace ks
