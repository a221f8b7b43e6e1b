// What `ksmith import` prints: the gate's verdict on PyTorch modules. Pure; docs/json_output.md.
#ifndef KS_REPORT_MODULES_H_
#define KS_REPORT_MODULES_H_

#include <string>
#include <vector>

#include "core/module.h"
#include "report/style.h"

namespace ks {

struct ModuleListing {
  int level = 0;     // 0: it is of no suite
  std::string name;  // "23_Softmax", or the file as given
  std::string path;
  std::string sha256;  // of the file
  ModuleAdmission admission;
};

// One module with every check.
std::string AdmissionText(const ModuleListing& module, const Style& style);
// A suite: counts by level, then those that were refused, with the reason.
std::string SuiteText(const std::vector<ModuleListing>& modules, const Style& style);
// "suite": "module" or "kernelbench".
std::string ModulesJson(const std::string& suite, const std::vector<ModuleListing>& modules);

}  // namespace ks

#endif  // KS_REPORT_MODULES_H_
