// `ksmith doctor`: all checks as a table or as JSON.
#include <nlohmann/json.hpp>

#include <algorithm>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/doctor_checks.h"
#include "cli/exit_code.h"
#include "cli/version.h"
#include "cli/wiring.h"
#include "report/style.h"

namespace ks {
namespace {

std::vector<DoctorCheck> AllChecks() {
  const SystemClock clock;
  std::vector<DoctorCheck> checks = CheckSandbox();
  const Result<std::unique_ptr<ProcessBackend>> backend = OpenHostBackend();
  if (backend.ok()) {
    checks.push_back(CheckCompilers((*backend)->machine()));
    checks.push_back(CheckCpu((*backend)->machine()));
    checks.push_back(CheckTrial(**backend));
  } else {
    checks.push_back({"backend", DoctorCheck::State::kBroken, backend.error().message,
                      "mend what the message names, then try again"});
  }
  checks.push_back(CheckClock(clock));
  checks.push_back(CheckNoise(clock));
  checks.push_back(CheckDisk());
  for (const DeviceListing& listing : FindDevices()) checks.push_back(CheckDevices(listing));
  checks.push_back(CheckCudaCompiler(FindToolkit()));
  const Result<PythonEnvironment> python = FindPython();
  checks.push_back(CheckTriton(python));
  checks.push_back(CheckTorch(python));
  return checks;
}

bool Works(const std::vector<DoctorCheck>& checks) {
  return std::none_of(checks.begin(), checks.end(), [](const DoctorCheck& check) {
    return check.state == DoctorCheck::State::kBroken;
  });
}

Ink InkOf(DoctorCheck::State state) {
  if (state == DoctorCheck::State::kFine) return Ink::kGreen;
  return state == DoctorCheck::State::kWeak ? Ink::kYellow : Ink::kRed;
}

std::string AsText(const std::vector<DoctorCheck>& checks, const Style& style) {
  size_t width = 0;
  for (const DoctorCheck& check : checks) width = std::max(width, check.name.size());
  std::string text;
  for (const DoctorCheck& check : checks) {
    text += Paint(style, InkOf(check.state), PadRight(DoctorStateName(check.state), 8));
    text += PadRight(check.name, static_cast<int>(width) + 2) + PrintableLine(check.found) + "\n";
    if (!check.mend.empty()) text += std::string(8, ' ') + "to mend: " + check.mend + "\n";
  }
  text += Works(checks) ? "The CPU backend works here.\n" : "The CPU backend cannot work here.\n";
  return text;
}

std::string AsJson(const std::vector<DoctorCheck>& checks) {
  nlohmann::ordered_json document = {
      {"format", 1}, {"version", kVersion}, {"works", Works(checks)}};
  document["checks"] = nlohmann::ordered_json::array();
  for (const DoctorCheck& check : checks) {
    document["checks"].push_back({{"name", check.name},
                                  {"state", DoctorStateName(check.state)},
                                  {"found", PrintableLine(check.found)},
                                  {"mend", check.mend}});
  }
  return document.dump() + "\n";
}

}  // namespace

int Doctor(const DoctorOptions& options, const Console& console) {
  const std::vector<DoctorCheck> checks = AllChecks();
  console.Out(options.json ? AsJson(checks) : AsText(checks, console.style));
  return Works(checks) ? kExitFine : kExitFailed;
}

}  // namespace ks
