#include "cli/baseline.h"

#include <algorithm>

#include "backend/torch/module_backend.h"
#include "core/kernel_source.h"

namespace ks {
namespace {

bool Offers(const Machine& machine, const std::string& compiler) {
  return std::any_of(machine.compilers.begin(), machine.compilers.end(),
                     [&](const std::string& found) { return found.rfind(compiler + " ", 0) == 0; });
}

std::vector<BuildDirectives> FlagChoices(const Task& task, const Machine& machine) {
  std::vector<std::string> fast;
  if (!machine.march_options.empty()) fast.push_back("-march=" + machine.march_options.front());
  std::vector<std::string> strict = fast;
  if (task.allow_reassociation) fast.emplace_back("-ffast-math");
  const auto with = [](std::string first, const std::vector<std::string>& rest,
                       const std::vector<std::string>& last = {}) {
    std::vector<std::string> flags = {std::move(first)};
    flags.insert(flags.end(), rest.begin(), rest.end());
    flags.insert(flags.end(), last.begin(), last.end());
    return flags;
  };
  std::vector<BuildDirectives> choices;
  for (const std::string compiler : {"g++", "clang++"}) {
    if (!Offers(machine, compiler)) continue;
    choices.push_back({compiler, with("-O3", fast)});
    if (task.allow_reassociation) choices.push_back({compiler, with("-O3", strict)});
    if (machine.vector_bits == 512) {
      choices.push_back({compiler, with("-O3", fast, {"-mprefer-vector-width=512"})});
    }
  }
  if (Offers(machine, "g++")) {
    choices.push_back({"g++", with("-O2", fast)});
  }
  return choices;
}

// Devices have one compiler each: what there is to choose is relaxed arithmetic.
std::vector<BuildDirectives> DeviceFlagChoices(const Task& task, const std::string& backend,
                                               const std::string& source) {
  std::string relaxed;
  if (backend == "cuda" || backend == "hip") relaxed = "--use_fast_math";
  if (backend == "opencl") relaxed = "-cl-fast-relaxed-math";
  if (relaxed.empty() || !task.allow_reassociation) return {};
  BuildDirectives directives{"", {}};
  if (WithoutBuildDirectives(source) != source) directives = ParseBuildDirectives(source);
  directives.compiler.clear();
  if (std::find(directives.flags.begin(), directives.flags.end(), relaxed) ==
      directives.flags.end()) {
    directives.flags.push_back(relaxed);
  }
  return {directives};
}

}  // namespace

Result<std::vector<std::string>> BaselineVariants(const Task& task, const std::string& backend,
                                                  const Machine& machine) {
  const SeedKernel* seed = task.FindSeed(backend);
  if (seed == nullptr) {
    return Error{ErrorCode::kInvalidArgument,
                 "task '" + task.name + "' has no seed for backend '" + backend + "'"};
  }
  std::vector<std::string> variants = {seed->source};
  if (backend == kTorchBackend) {  // no flags, but several starts
    for (const SeedKernel& other : task.seeds) {
      if (std::ranges::find(variants, other.source) == variants.end()) {
        variants.push_back(other.source);
      }
    }
    return variants;
  }
  const std::vector<BuildDirectives> choices = backend == "cpu"
                                                   ? FlagChoices(task, machine)
                                                   : DeviceFlagChoices(task, backend, seed->source);
  for (const BuildDirectives& choice : choices) {
    std::string variant = WithBuildDirectives(seed->source, choice);
    if (std::find(variants.begin(), variants.end(), variant) == variants.end()) {
      variants.push_back(std::move(variant));
    }
  }
  return variants;
}

}  // namespace ks
