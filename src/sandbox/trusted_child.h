// Child processes that run only our own code and need the host as it is: the owner of a GPU, whose
// driver does not start inside new user, mount and pid namespaces together.
#ifndef KS_SANDBOX_TRUSTED_CHILD_H_
#define KS_SANDBOX_TRUSTED_CHILD_H_

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/launcher.h"
#include "sandbox/sandbox.h"

namespace ks {

struct TrustedSpec {
  int exec_fd = -1;               // an executable file
  std::vector<std::string> argv;  // argv[0] is the name that `ps` shows
  std::vector<std::string> env;   // "NAME=value"; nothing is inherited
  std::vector<int> fds;           // become 3, 4, ...; at most 8
};

// The child has a session of its own, no open files but `fds`, /dev/null as standard streams, no
// core dumps, its own network namespace where the right is there, and dies with `thread` and with
// this process. ERRORS: kResourceExhausted, kFailedPrecondition (the file cannot be executed).
Result<std::unique_ptr<SandboxProcess>> StartTrusted(const TrustedSpec& spec, CloneThread& thread);

}  // namespace ks

#endif  // KS_SANDBOX_TRUSTED_CHILD_H_
