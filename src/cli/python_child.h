// A Python of the user's that runs a program of ours on the user's own files: outside the sandbox,
// with the user's environment, so that it sees the GPU. Never for candidates.
#ifndef KS_CLI_PYTHON_CHILD_H_
#define KS_CLI_PYTHON_CHILD_H_

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace ks {

struct PythonAnswer {
  int status = -1;  // what it exited with; -1: a signal ended it
  std::string out;  // standard output
};

// Runs `module`.main() of the embedded package with these arguments and waits. The package lies in
// a folder of its own while it runs. Standard error stays the caller's. The answer is complete when
// the child has ended, whatever its own children go on to hold open; a stop, the timeout and the
// end of the child end those too. ERRORS: kCancelled; kFailedPrecondition: the interpreter does not
// start; kUnavailable: it takes longer than `timeout`; kResourceExhausted: it says more than 16
// MiB; as the file system says.
Result<PythonAnswer> RunPythonModule(const std::string& interpreter, const std::string& module,
                                     const std::vector<std::string>& arguments,
                                     std::chrono::milliseconds timeout, std::stop_token stop);

}  // namespace ks

#endif  // KS_CLI_PYTHON_CHILD_H_
