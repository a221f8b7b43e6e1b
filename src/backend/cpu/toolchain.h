// Compiles candidates to shared objects in the sandbox. No file on the host is written: sources go
// in through the sandbox's private /tmp, results come back through memory.
#ifndef KS_BACKEND_CPU_TOOLCHAIN_H_
#define KS_BACKEND_CPU_TOOLCHAIN_H_

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/machine.h"
#include "base/result.h"

namespace ks {

// Thread-safe. The sandbox and machine outlive it.
class Toolchain {
 public:
  Toolchain(const Sandbox& sandbox, const DetectedMachine& detected)
      : sandbox_(sandbox), detected_(detected) {}

  // `widened`: the entry's float types are double (the oracle). ERRORS: as Backend::Compile.
  Result<CompileOutcome> Compile(const Task& task, bool widened, const std::string& source,
                                 const CompileLimits& limits, std::stop_token stop);

 private:
  struct Build;
  // Null when the candidate names a compiler that is not here.
  const Compiler* Find(const std::string& name) const;
  // The compiled shim of an entry; once for each.
  Result<std::string> Shim(const Task& task, bool widened, std::stop_token stop);
  Result<SandboxExit> RunBuild(const Build& build, std::stop_token stop) const;

  const Sandbox& sandbox_;
  const DetectedMachine& detected_;
  std::mutex mutex_;                          // guards shims_
  std::map<std::string, std::string> shims_;  // shim source -> object file
};

}  // namespace ks

#endif  // KS_BACKEND_CPU_TOOLCHAIN_H_
