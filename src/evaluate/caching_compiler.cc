#include "evaluate/caching_compiler.h"

#include <string_view>
#include <utility>

#include "base/hash.h"
#include "base/text.h"
#include "core/event.h"

namespace ks {
namespace {

constexpr std::string_view kFormat = "ksmith kernel 1";

// Unambiguous text for hashing.
void Add(std::string& text, std::string_view value) {
  text += std::to_string(value.size());
  text += ':';
  text += value;
}

}  // namespace

// "format\nhash of the rest\nevaluation as JSON\nbinary"
std::string KernelToBlob(const CompiledKernel& kernel) {
  // Names every field: a new one does not compile until it is kept too.
  const auto& [binary, binary_hash, features, device, compiler, flags, warnings, seconds] = kernel;
  static_cast<void>(seconds);
  Evaluation known;
  known.binary_hash = binary_hash;
  known.features = features;
  known.device = device;
  known.compiler = compiler;
  known.flags = flags;
  known.warnings = warnings;
  const std::string rest = EvaluationToJson(known) + "\n" + binary;
  return std::string(kFormat) + "\n" + Sha256Hex(rest) + "\n" + rest;
}

std::optional<CompiledKernel> KernelFromBlob(const std::string& blob) {
  std::string_view rest = blob;
  const auto line = [&] {
    const size_t end = rest.find('\n');
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return text;
  };
  if (line() != kFormat) return std::nullopt;
  const std::string_view hash = line();
  if (hash != Sha256Hex(rest)) return std::nullopt;
  Result<Evaluation> known = EvaluationFromJson(std::string(line()));
  if (!known.ok()) return std::nullopt;
  return CompiledKernel{.binary = std::string(rest),
                        .binary_hash = std::move(known->binary_hash),
                        .features = known->features,
                        .device = known->device,
                        .compiler = std::move(known->compiler),
                        .flags = std::move(known->flags),
                        .warnings = std::move(known->warnings)};
}

std::string CachingCompiler::KeyOf(const Task& task, const std::string& source) const {
  std::string text = "binary";
  for (const std::string_view part :
       {std::string_view(toolchain_), std::string_view(backend_.machine().id),
        std::string_view(task.hash), std::string_view(source)}) {
    Add(text, part);
  }
  Add(text, backend_.name());
  Add(text, Join(backend_.machine().compilers, ","));
  return Sha256Hex(text);
}

Result<CompileOutcome> CachingCompiler::Compile(const Task& task, const std::string& source,
                                                const CompileLimits& limits, std::stop_token stop) {
  const std::string key = KeyOf(task, source);
  if (const std::optional<std::string> blob = cache_.FindBlob(key)) {
    if (std::optional<CompiledKernel> kernel = KernelFromBlob(*blob)) {
      return CompileOutcome(*std::move(kernel));
    }
  }
  Result<CompileOutcome> outcome = backend_.Compile(task, source, limits, std::move(stop));
  if (!outcome.ok()) return outcome;
  if (const auto* kernel = std::get_if<CompiledKernel>(&*outcome)) {
    cache_.PutBlob(key, KernelToBlob(*kernel));
  }
  return outcome;
}

}  // namespace ks
