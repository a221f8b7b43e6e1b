// The Python interpreter that has Triton: where it is, what it offers, what a sandbox must show.
#ifndef KS_BACKEND_TRITON_PYTHON_ENV_H_
#define KS_BACKEND_TRITON_PYTHON_ENV_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sandbox/sandbox.h"

namespace ks {

struct PythonEnvironment {
  std::string executable;
  std::string python_version;        // "3.11.7"
  std::string triton_version;        // "3.6.0"; empty: not installed
  std::string torch_version;         // "2.13.0+cpu"; empty: not installed
  std::vector<std::string> folders;  // that imports read
};

// Why modules cannot run with this Python, and what to do; empty: they can.
std::string TorchFault(const PythonEnvironment& environment);

inline constexpr const char* kGetTriton =
    "install it into that Python (pip install 'triton>=3.6'), or name another one in KSMITH_PYTHON";

// Asks the interpreter (a path, or a name to find in `search_path`, as PATH). Runs it outside the
// sandbox: it is the user's own. ERRORS: kFailedPrecondition: no such interpreter, or it fails.
Result<PythonEnvironment> ProbePython(const std::string& python, const std::string& search_path);

// Of its answer; split from ProbePython for tests.
Result<PythonEnvironment> ParsePythonProbe(std::string_view text);

// The folders beyond /usr, none inside another.
std::vector<SandboxMount> PythonMounts(const PythonEnvironment& environment);

}  // namespace ks

#endif  // KS_BACKEND_TRITON_PYTHON_ENV_H_
