// `ksmith seeds`: what torch.compile makes of a PyTorch module, as candidates to start from.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/device_wiring.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/modules.h"
#include "cli/python_child.h"
#include "propose/torch/fused_seed.h"
#include "report/style.h"

namespace ks {
namespace {

// Of one call: a compiler that tunes its kernels may take its time.
constexpr std::chrono::minutes kSeedsTimeout{60};

// What the program behind this command answers to `arguments`.
Result<nlohmann::json> AskSeeds(const PythonEnvironment& python, const SeedsOptions& options,
                                std::vector<std::string> arguments, std::stop_token stop) {
  arguments.insert(arguments.begin(), options.module);
  arguments.insert(arguments.end(), {"--workload", options.workload});
  KS_ASSIGN_OR_RETURN(const PythonAnswer answer,
                      RunPythonModule(python.executable, "kernelsmith.seeds.main", arguments,
                                      kSeedsTimeout, std::move(stop)));
  const std::string_view said = Trim(answer.out);
  const size_t line = said.rfind('\n');
  nlohmann::json report = nlohmann::json::parse(
      line == std::string_view::npos ? said : said.substr(line + 1), nullptr, false);
  if (!report.is_object()) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("{} ended with status {} and no answer; what it printed is above",
                             python.executable, answer.status)};
  }
  if (report.contains("error") && report["error"].is_string()) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{}: {}", options.module, report["error"].get<std::string>())};
  }
  return report;
}

// The seed that skills make of the compiler's, kept when it computes the same; its entry of the
// report. Null: skills change nothing.
Result<nlohmann::json> AddFusedSeed(const PythonEnvironment& python, const SeedsOptions& options,
                                    std::stop_token stop) {
  PosixFileSystem files;
  KS_ASSIGN_OR_RETURN(const ModuleSource compiled, ReadModule(options.out_dir + "/compiled.py"));
  const std::optional<std::string> fused = FusedSeed(compiled.text);
  if (!fused) return nlohmann::json();
  const std::string path = options.out_dir + "/fused.py";
  KS_RETURN_IF_ERROR(files.WriteAtomically(path, *fused));
  Result<nlohmann::json> verdict = AskSeeds(python, options, {"--check", path}, std::move(stop));
  if (!verdict.ok() && verdict.error().code != ErrorCode::kCancelled) {
    // The candidate may have ended the process: one seed less, the others stay.
    verdict = nlohmann::json{{"refused", verdict.error().message}};
  }
  if (!verdict.ok() || verdict->contains("refused")) {
    KS_RETURN_IF_ERROR(files.RemoveAll(path));
    if (!verdict.ok()) return verdict.error();
  } else {
    (*verdict)["file"] = "fused.py";
  }
  (*verdict)["name"] = "fused";
  return verdict;
}

Result<nlohmann::json> WriteSeeds(const SeedsOptions& options, std::stop_token stop) {
  const Result<ModuleSource> module = ReadModule(options.module);
  if (!module.ok()) return module.error();
  KS_ASSIGN_OR_RETURN(const PythonEnvironment python, FindPython());
  if (const std::string fault = TorchFault(python); !fault.empty()) {
    return Error{ErrorCode::kFailedPrecondition, fault};
  }
  KS_ASSIGN_OR_RETURN(nlohmann::json report,
                      AskSeeds(python, options, {"--out", options.out_dir}, stop));
  bool compiled = false;
  for (const nlohmann::json& seed : report["seeds"]) {
    compiled = compiled || (seed.value("name", "") == "compiled" && seed.contains("file"));
  }
  if (compiled) {
    KS_ASSIGN_OR_RETURN(const nlohmann::json fused, AddFusedSeed(python, options, stop));
    if (!fused.is_null()) report["seeds"].push_back(fused);
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
      text += fmt::format("  {:<9} {}/{} (largest error: {:.2g} of what the check allows)\n",
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
