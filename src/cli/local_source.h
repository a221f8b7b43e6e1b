// The devices of this machine for the evaluation service.
#ifndef KS_CLI_LOCAL_SOURCE_H_
#define KS_CLI_LOCAL_SOURCE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "core/blob_cache.h"
#include "evaluate/caching_compiler.h"
#include "service/evaluator_pool.h"

namespace ks {

// Thread-safe.
class LocalEvaluatorSource final : public EvaluatorSource {
 public:
  // Serves the devices named in `devices` ("cuda:1"), or the first of every backend when it is
  // empty. ERRORS: those of OpenBackend; kInvalidArgument (no name of a device, or of another
  // backend).
  static Result<std::unique_ptr<LocalEvaluatorSource>> Open(
      const std::vector<std::string>& backends, const std::vector<std::string>& devices);

  // Compiled kernels are looked up and kept there; before the first Make. It outlives the
  // evaluators.
  void UseCache(BlobCache& cache);

  const std::vector<ServedDevice>& devices() const override { return devices_; }
  Result<std::unique_ptr<Evaluator>> Make(const Task& task, size_t device,
                                          const EvaluationConfig& config) override;
  std::optional<double> BusySeconds(size_t device) const override;

 private:
  LocalEvaluatorSource() = default;

  std::vector<std::unique_ptr<Backend>> backends_;           // of each device
  std::vector<std::unique_ptr<CachingCompiler>> compilers_;  // the same, or empty
  std::vector<ServedDevice> devices_;
};

}  // namespace ks

#endif  // KS_CLI_LOCAL_SOURCE_H_
