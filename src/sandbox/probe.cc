#include <sys/utsname.h>
#include <unistd.h>

#include <map>

#include "base/text.h"
#include "sandbox/sandbox.h"

namespace ks {
namespace {

// Prints one line per fact as seen from inside.
constexpr const char* kScript =
    "echo uid $(id -u); "
    "if touch /usr/ks 2>/dev/null || touch /ks 2>/dev/null; then echo readonly no; else echo "
    "readonly yes; fi; "
    "echo etc $(ls /etc | wc -w); "
    "echo pid $$; "
    "if (exec 3<>/dev/tcp/127.0.0.1/1) 2>/dev/null; then echo net open; else echo net closed; fi; "
    "if unshare -r true 2>/dev/null; then echo seccomp no; else echo seccomp yes; fi; "
    "if [ -e /proc/self ]; then echo proc yes; else echo proc no; fi";

std::map<std::string, std::string> Facts(const std::string& text) {
  std::map<std::string, std::string> facts;
  for (const std::string_view line : Split(text, '\n')) {
    const auto words = SplitWords(line);
    if (words.size() == 2) facts[std::string(words[0])] = std::string(words[1]);
  }
  return facts;
}

SandboxLayer Layer(const std::string& name, bool ok, const std::string& seen,
                   const std::string& mend) {
  return {name, ok, seen, ok ? "" : mend};
}

std::vector<SandboxLayer> LayersInside(const Sandbox& sandbox) {
  SandboxSpec spec;
  spec.argv = {"/bin/sh", "-c", kScript};
  spec.env = {"PATH=/usr/bin:/bin"};
  spec.capture_output = true;
  spec.limits.processes = 32;
  auto process = sandbox.Start(spec);
  if (!process.ok()) return {Layer("start", false, process.error().message, "see the message")};
  const Result<SandboxExit> exit = (*process)->Wait(10, {});
  if (!exit.ok()) return {Layer("start", false, exit.error().message, "see the message")};
  std::map<std::string, std::string> facts = Facts(exit->out);
  const std::string report = "report this with the output of ksmith doctor --json";
  return {
      Layer("user 65534, no capabilities", facts["uid"] == "65534", "user " + facts["uid"], report),
      Layer("read-only root", facts["readonly"] == "yes", "writes refused: " + facts["readonly"],
            report),
      Layer("pid namespace", facts["pid"] == "1", "is process " + facts["pid"], report),
      Layer("no network", facts["net"] == "closed", "loopback " + facts["net"], report),
      Layer("seccomp filter", facts["seccomp"] == "yes",
            "new namespaces refused: " + facts["seccomp"],
            "use a kernel with CONFIG_SECCOMP_FILTER"),
      Layer("no /proc", facts["proc"] == "no", "/proc inside: " + facts["proc"], report),
  };
}

}  // namespace

std::vector<SandboxLayer> ProbeSandbox() {
  std::vector<SandboxLayer> layers;
  utsname system = {};
  uname(&system);
  auto sandbox = Sandbox::Create();
  if (!sandbox.ok()) {
    return {Layer("namespaces", false, sandbox.error().message,
                  "allow user namespaces, or run as root")};
  }
  layers.push_back(
      Layer("namespaces", true,
            std::string("user, mount, pid, net, ipc, uts on Linux ") + system.release +
                ((*sandbox)->uses_user_namespace() ? "" : " (root, no user namespace)"),
            ""));
  for (SandboxLayer& layer : LayersInside(**sandbox)) layers.push_back(std::move(layer));
  return layers;
}

}  // namespace ks
