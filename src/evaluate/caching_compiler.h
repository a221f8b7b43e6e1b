// A backend's compiler with a memory that outlives the process: the same source for the same task
// and toolchain is compiled once.
#ifndef KS_EVALUATE_CACHING_COMPILER_H_
#define KS_EVALUATE_CACHING_COMPILER_H_

#include <optional>
#include <string>

#include "backend/backend.h"
#include "core/blob_cache.h"

namespace ks {

// Thread-safe. Backend and cache outlive it. Only kernels that compiled are kept: a failure may be
// the machine's doing (time, memory), and a diagnostic is cheap to get again.
class CachingCompiler final : public Backend {
 public:
  // `toolchain`: beside the machine's id, what decides the code that comes out (versions).
  CachingCompiler(Backend& backend, BlobCache& cache, std::string toolchain)
      : backend_(backend), cache_(cache), toolchain_(std::move(toolchain)) {}

  std::string name() const override { return backend_.name(); }
  std::string device_class() const override { return backend_.device_class(); }
  const Machine& machine() const override { return backend_.machine(); }
  Result<CompileOutcome> Compile(const Task& task, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop) override;

 private:
  std::string KeyOf(const Task& task, const std::string& source) const;

  Backend& backend_;
  BlobCache& cache_;
  const std::string toolchain_;
};

// A compiled kernel as bytes and back; `seconds` becomes 0: it took no time this time. Empty: these
// are not such bytes.
std::string KernelToBlob(const CompiledKernel& kernel);
std::optional<CompiledKernel> KernelFromBlob(const std::string& blob);

}  // namespace ks

#endif  // KS_EVALUATE_CACHING_COMPILER_H_
