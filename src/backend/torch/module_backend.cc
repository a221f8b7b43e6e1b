#include "backend/torch/module_backend.h"

#include "base/hash.h"

namespace ks {

Result<CompileOutcome> ModuleBackend::Compile(const Task& task, const std::string& source,
                                              const CompileLimits& limits, std::stop_token stop) {
  static_cast<void>(task), static_cast<void>(limits), static_cast<void>(stop);
  CompiledKernel kernel;
  kernel.binary = source;
  kernel.binary_hash = Sha256Hex(source);
  kernel.compiler = versions_;
  return CompileOutcome(std::move(kernel));
}

}  // namespace ks
