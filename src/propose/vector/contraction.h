// Sums of products: out[.., i, j] = epilogue(sum over r of left(i, r) * right(j, r)).
#ifndef KS_PROPOSE_VECTOR_CONTRACTION_H_
#define KS_PROPOSE_VECTOR_CONTRACTION_H_

#include <optional>
#include <string>
#include <vector>

#include "core/machine.h"
#include "propose/vector/loop_ir.h"

namespace ks {

// A rectangular loop without its body.
struct LoopHeader {
  std::string name, cpp_type;
  IrExprPtr low, high;
};

// Value. All expressions are in the original loop variables.
struct Contraction {
  size_t begin = 0, end = 0;      // bytes of the nest
  std::vector<LoopHeader> batch;  // parallel loops other than row and column, outermost first
  LoopHeader row, column;         // row: moves `left` only; column: moves `right` only
  std::vector<LoopHeader> depth;  // the summed loops
  IrExprPtr left, right;          // the factors
  IrExprPtr guard;                // when not null: terms count only where it holds (no row in it)
  std::string sum;                // name of the accumulator
  IrExprPtr start;                // its first value
  std::vector<IrStmt> epilogue;   // what follows the sum; reads `sum`, writes `target`
  IrExprPtr target;               // the output element
  bool plain = false;             // the epilogue is target = sum, and start is 0
  bool left_fixed = false;        // `left` does not depend on the batch loops
};

// The contraction that `nest` computes, if it is one and nothing else; empty as well when a name of
// the kernel would clash with one that the rewritten code declares.
std::optional<Contraction> MatchContraction(const KernelIr& kernel, const IrStmt& nest);

// Block sizes to begin with.
struct ContractionBlocks {
  int rows = 6, vectors = 2;              // of a tile in registers, in elements and vectors
  int depth = 512;                        // summed terms a pass
  int row_tiles = 32, column_tiles = 32;  // tiles of a packed block
};
ContractionBlocks BlocksFor(const Machine& machine);

// `source` with the nest in packed, register-blocked form.
std::string RewriteContraction(const std::string& source, const KernelIr& kernel,
                               const Contraction& contraction, const ContractionBlocks& blocks,
                               const Machine& machine);

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_CONTRACTION_H_
