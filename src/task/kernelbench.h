// A checkout of KernelBench as a list of PyTorch modules. Nothing of it is copied into the tree.
#ifndef KS_TASK_KERNELBENCH_H_
#define KS_TASK_KERNELBENCH_H_

#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace ks {

struct KernelBenchModule {
  int level = 0;
  int number = 0;    // "23_Softmax.py" is 23
  std::string name;  // "23_Softmax"
  std::string path;  // of the file
  std::string source;
  std::string sha256;  // of the source
};

// The modules of DIR/KernelBench/level<N> or DIR/level<N>, by level and number. ERRORS: kNotFound
// (no such folder, or a level that it does not have), kInvalidArgument (a file that is too large).
Result<std::vector<KernelBenchModule>> ReadKernelBench(const FileSystem& files,
                                                       const std::string& folder,
                                                       const std::vector<int>& levels);

}  // namespace ks

#endif  // KS_TASK_KERNELBENCH_H_
