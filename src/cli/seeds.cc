// `ksmith seeds`: what torch.compile makes of a PyTorch module, as candidates to start from.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/device_wiring.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/modules.h"
#include "cli/python_child.h"
#include "report/style.h"

namespace ks {
namespace {

Result<nlohmann::json> WriteSeeds(const SeedsOptions& options, std::stop_token stop) {
  const Result<ModuleSource> module = ReadModule(options.module);
  if (!module.ok()) return module.error();
  KS_ASSIGN_OR_RETURN(const PythonEnvironment python, FindPython());
  if (const std::string fault = TorchFault(python); !fault.empty()) {
    return Error{ErrorCode::kFailedPrecondition, fault};
  }
  KS_ASSIGN_OR_RETURN(
      const PythonAnswer answer,
      RunPythonModule(python.executable, "kernelsmith.seeds.main",
                      {options.module, "--out", options.out_dir, "--workload", options.workload},
                      std::move(stop)));
  const std::string_view last = Trim(answer.out);
  const size_t line = last.rfind('\n');
  nlohmann::json report = nlohmann::json::parse(
      line == std::string_view::npos ? last : last.substr(line + 1), nullptr, false);
  if (!report.is_object()) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{} ended with status {} and no answer; what it printed is above",
                             python.executable, answer.status)};
  }
  if (report.contains("error")) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{}: {}", options.module, report["error"].get<std::string>())};
  }
  report["format"] = 1;
  return report;
}

std::string SeedsText(const nlohmann::json& report, const std::string& folder) {
  std::string text =
      fmt::format("{} ({} sizes), torch {} on {}\n", PrintableLine(report.value("module", "")),
                  report.value("workload", ""), PrintableLine(report.value("torch", "")),
                  PrintableLine(report.value("device", "")));
  for (const nlohmann::json& seed : report.value("seeds", nlohmann::json::array())) {
    if (seed.contains("refused")) {
      text += fmt::format("  {:<9} refused: {}\n", seed.value("name", ""),
                          PrintableLine(seed.value("refused", "")));
    } else {
      text += fmt::format("  {:<9} {}/{} (differs from the module by at most {:.1e})\n",
                          seed.value("name", ""), folder, seed.value("file", ""),
                          seed.value("error", 0.0));
    }
  }
  return text;
}

}  // namespace

int Seeds(const SeedsOptions& options, const Console& console) {
  const InterruptGuard interrupt("\n");
  SeedsOptions asked = options;
  if (asked.out_dir.empty()) {
    asked.out_dir = asked.module.ends_with(".py")
                        ? asked.module.substr(0, asked.module.size() - 3) + ".seeds"
                        : asked.module + ".seeds";
  }
  const auto report = WriteSeeds(asked, interrupt.token());
  if (!report.ok()) return console.Fail(report.error());
  console.Out(asked.json ? report->dump(1) + "\n" : SeedsText(*report, asked.out_dir));
  for (const nlohmann::json& seed : report->value("seeds", nlohmann::json::array())) {
    if (!seed.contains("refused")) return kExitFine;
  }
  return kExitFailed;
}

}  // namespace ks
