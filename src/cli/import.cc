// `ksmith import`: may verdicts about these PyTorch modules be trusted?
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/interrupt.h"
#include "cli/modules.h"
#include "report/modules.h"
#include "task/kernelbench.h"

namespace ks {
namespace {

Result<std::vector<ModuleListing>> ModulesToImport(const ImportOptions& options,
                                                   std::vector<ModuleSource>& sources) {
  std::vector<ModuleListing> listings;
  if (options.kind == ImportOptions::Kind::kModule) {
    KS_ASSIGN_OR_RETURN(ModuleSource source, ReadModule(options.path));
    listings.push_back({0, options.path, options.path, Sha256Hex(source.text), {}});
    sources.push_back(std::move(source));
    return listings;
  }
  KS_ASSIGN_OR_RETURN(std::vector<KernelBenchModule> modules,
                      ReadKernelBench(PosixFileSystem(), options.path, options.levels));
  for (KernelBenchModule& module : modules) {
    listings.push_back({module.level, module.name, module.path, module.sha256, {}});
    sources.push_back({module.path, std::move(module.source)});
  }
  return listings;
}

Result<std::vector<ModuleListing>> Import(const ImportOptions& options, const Console& console,
                                          std::stop_token stop) {
  std::vector<ModuleSource> sources;
  KS_ASSIGN_OR_RETURN(std::vector<ModuleListing> listings, ModulesToImport(options, sources));
  KS_ASSIGN_OR_RETURN(const LocalModules modules, OpenModules({}, stop));
  for (size_t i = 0; i < listings.size(); ++i) {
    KS_ASSIGN_OR_RETURN(listings[i].admission, modules.evaluator->Admit(sources[i], stop));
    if (listings.size() == 1) continue;
    console.Err(fmt::format("{}/{} {}: {}\n", i + 1, listings.size(),
                            PrintableLine(listings[i].name),
                            listings[i].admission.admitted ? "admitted" : "refused"));
  }
  return listings;
}

}  // namespace

int ImportModules(const ImportOptions& options, const Console& console) {
  const InterruptGuard interrupt("\n");
  const auto listings = Import(options, console, interrupt.token());
  if (!listings.ok()) return console.Fail(listings.error());
  const bool single = options.kind == ImportOptions::Kind::kModule;
  const std::string json = ModulesJson(single ? "module" : "kernelbench", *listings) + "\n";
  if (!options.out_file.empty()) {
    const Status written = PosixFileSystem().WriteAtomically(options.out_file, json);
    if (!written.ok()) return console.Fail(written.error());
  }
  if (options.json) {
    console.Out(json);
  } else {
    console.Out(single ? AdmissionText(listings->front(), console.style)
                       : SuiteText(*listings, console.style));
  }
  const bool any = std::ranges::any_of(
      *listings, [](const ModuleListing& module) { return module.admission.admitted; });
  return any ? kExitFine : kExitFailed;
}

}  // namespace ks
