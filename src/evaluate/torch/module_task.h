// A PyTorch module as a task of the engine. Pure.
#ifndef KS_EVALUATE_TORCH_MODULE_TASK_H_
#define KS_EVALUATE_TORCH_MODULE_TASK_H_

#include <string>
#include <vector>

#include "core/task.h"
#include "evaluate/torch/module_session.h"

namespace ks {

// The module itself as a candidate: its text with the name Model replaced by ModelNew.
std::string EagerSeed(const std::string& module);
// The same through torch.compile: to compare with, no candidate, as its compiler leaves threads.
std::string TorchCompiled(const std::string& module);

// No buffers and axes: a module makes its own inputs. One workload to time and one to check, both
// at the sizes that the gate chooses. The eager seed comes first, then `seeds` (as they are).
Task ModuleTask(const ModuleSource& module, const std::vector<ModuleSource>& seeds);

}  // namespace ks

#endif  // KS_EVALUATE_TORCH_MODULE_TASK_H_
