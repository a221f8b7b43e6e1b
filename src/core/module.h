// PyTorch modules as plain values: what the gate found, how one was judged. docs/modules.md.
#ifndef KS_CORE_MODULE_H_
#define KS_CORE_MODULE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace ks {

// What ran on the device during one call of a candidate, of one name.
struct ModuleActivity {
  std::string name;
  int64_t count = 0;
  double ns = 0;     // all of them
  bool own = false;  // a kernel that the candidate's source defines
  bool operator==(const ModuleActivity&) const = default;
};

// How a PyTorch module was judged.
struct ModuleFacts {
  std::string workload;   // "full"; "reduced": the file's own smaller sizes; "scaled": halved axes
  std::string note;       // why those sizes; empty for the full ones
  std::string precision;  // that the module declares: "fp32", "tf32", ...
  std::string oracle;     // what outputs were compared with: "fp64", or the precision
  int calls = 0;          // that were judged and right
  std::string untimed;    // why no time was taken
  double coverage = -1;   // share of device time in own kernels, 0..1; -1: not traced
  std::vector<ModuleActivity> activities;  // the longest first
  bool graphs = false;  // both sides were timed as CUDA graphs, which the harness replays
  bool operator==(const ModuleFacts&) const = default;
};

struct ModuleCheck {
  std::string name;
  bool passed = false;
  std::string reason;  // empty when it passed
  bool operator==(const ModuleCheck&) const = default;
};

// What the admission gate found.
struct ModuleAdmission {
  bool admitted = false;
  std::vector<ModuleCheck> checks;  // up to the first that makes the others meaningless
  ModuleFacts facts;                // the sizes that were used
  int64_t full_bytes = 0;           // of the inputs at full size; 0: not known
  int64_t parameters = 0;

  // "zeros: zeros pass"; empty when all passed.
  std::string FirstFault() const {
    for (const ModuleCheck& check : checks) {
      if (!check.passed) return check.name + ": " + check.reason;
    }
    return {};
  }
};

}  // namespace ks

#endif  // KS_CORE_MODULE_H_
