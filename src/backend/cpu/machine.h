// What this machine offers to a CPU kernel: instruction sets, caches, compilers, ceilings.
#ifndef KS_BACKEND_CPU_MACHINE_H_
#define KS_BACKEND_CPU_MACHINE_H_

#include <string>
#include <vector>

#include "base/result.h"
#include "core/machine.h"
#include "sandbox/sandbox.h"

namespace ks {

// A compiler that was found and tried. `path` lies in /usr, which is all a sandbox shows.
struct Compiler {
  std::string name;     // "g++", "clang++": what a candidate's directive says
  std::string path;     // "/usr/bin/g++"
  std::string version;  // "12.2.0"
};

struct DetectedMachine {
  Machine machine;  // without ceilings
  std::vector<Compiler> compilers;
};

// Asks the CPU, sysfs and the compilers (in the sandbox). `march_options` holds only names whose
// features this CPU really has, whatever a hypervisor hides. ERRORS: kFailedPrecondition when there
// is no compiler.
Result<DetectedMachine> DetectMachine(const Sandbox& sandbox);

}  // namespace ks

#endif  // KS_BACKEND_CPU_MACHINE_H_
