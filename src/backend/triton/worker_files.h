// The Python package of python/kernelsmith, carried inside this program.
#ifndef KS_BACKEND_TRITON_WORKER_FILES_H_
#define KS_BACKEND_TRITON_WORKER_FILES_H_

#include <span>
#include <string_view>
#include <utility>

namespace ks {

// (name, text) of every module: "wire.py", "modules/host.py".
std::span<const std::pair<std::string_view, std::string_view>> WorkerFiles();
// REQUIRES: the module is there.
std::string_view WorkerFile(std::string_view name);

}  // namespace ks

#endif  // KS_BACKEND_TRITON_WORKER_FILES_H_
