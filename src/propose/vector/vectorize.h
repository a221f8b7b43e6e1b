// Source to source: loop nests of a kernel in explicit vector code. The common engine of the skills
// that vectorise (elementwise, reductions, along an outer axis, register blocks).
#ifndef KS_PROPOSE_VECTOR_VECTORIZE_H_
#define KS_PROPOSE_VECTOR_VECTORIZE_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/machine.h"
#include "propose/vector/vector_plan.h"

namespace ks {

struct VectorizeOptions {
  int vectors = 4;     // starting value of the block's width in vectors
  int rows = 4;        // starting value of the register block's rows
  bool jam = false;    // use a register block where one helps; nests without one are left alone
  int jam_choice = 0;  // which candidate, best first
  // Which nests to rewrite; all that can be when empty.
  std::function<bool(const KernelIr&, const std::vector<IrStmt>& nest, const VectorPlan&)> accept;
};

struct VectorizeResult {
  std::string source;
  int nests = 0;  // rewritten
  int loops = 0;  // loops now in lanes
  bool jammed = false;
};

// Empty: nothing to rewrite. The new source states flags that reach the machine's vectors.
std::optional<VectorizeResult> VectorizeKernel(const std::string& source, std::string_view entry,
                                               const Machine& machine,
                                               const VectorizeOptions& options);

// Floats in the widest vector that the machine offers.
int LanesOf(const Machine& machine);
// `source` with -O3 and the machine's best -march where the directives state neither better.
std::string WithVectorFlags(const std::string& source, const Machine& machine);
// `base`, or `base` with the first number that makes it unused in `source`.
std::string FreshName(const std::string& source, const std::string& base);
// "constexpr int kX = 4;  // ksmith: tune 1 2 4 8" and a newline.
std::string TunableLine(const std::string& name, int value, const std::string& choices,
                        const std::string& what);

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_VECTORIZE_H_
