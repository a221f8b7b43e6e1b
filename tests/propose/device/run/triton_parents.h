// Triton kernels beside the seeds of the library: other structures that skills have to handle.
#ifndef KS_TESTS_PROPOSE_DEVICE_RUN_TRITON_PARENTS_H_
#define KS_TESTS_PROPOSE_DEVICE_RUN_TRITON_PARENTS_H_

#include <string>
#include <vector>

#include "tests/propose/device/run/device_seeds.h"

namespace ks {

struct TritonParent {
  std::string skill, seed;
  DeviceSeed kernel;
};

// Each with the skill that must have edits of it.
std::vector<TritonParent> TritonParents();

// Sums of windows of 3 rows, two rows apart, of an image [height, width]: with weights of the rows,
// and a value added to each output.
DeviceSeed WindowSums();

// Softmax down the columns of [rows, steps, lanes], scaled by one value a step and one a column.
DeviceSeed ColumnSoftmax();

}  // namespace ks

#endif  // KS_TESTS_PROPOSE_DEVICE_RUN_TRITON_PARENTS_H_
