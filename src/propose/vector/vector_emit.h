// Prints a loop nest again with its planned loops in vector lanes.
#ifndef KS_PROPOSE_VECTOR_VECTOR_EMIT_H_
#define KS_PROPOSE_VECTOR_VECTOR_EMIT_H_

#include <optional>
#include <string>
#include <vector>

#include "propose/vector/loop_ir.h"
#include "propose/vector/vector_plan.h"

namespace ks {

struct EmitOptions {
  std::string vectors_name = "kVectors";  // constant: vectors side by side in a block
  std::string rows_name = "kRows";        // constant: iterations of the jam loop in a block
  std::string lanes_suffix = "_lanes";    // ends the names of vector accumulators
  std::string margin = "  ";              // indentation of the nest
};

// C++ text of `nest` under `plan`, using the helpers of prelude.h. Empty: something in the nest
// cannot be printed (a verbatim part that mentions a substituted name).
std::optional<std::string> EmitVectorNest(const KernelIr& kernel, const std::vector<IrStmt>& nest,
                                          const VectorPlan& plan, const EmitOptions& options);

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_VECTOR_EMIT_H_
