// Triton kernels taken apart: statements of the top level, the loops over a row, what they gather.
#ifndef KS_PROPOSE_DEVICE_TRITON_PARTS_H_
#define KS_PROPOSE_DEVICE_TRITON_PARTS_H_

#include <optional>
#include <string>
#include <vector>

#include "propose/device/triton_text.h"

namespace ks {

// Times that `name` occurs as an identifier below `node`; names of keywords do not count.
size_t UsesOf(Node node, std::string_view name);
// The name that an assignment (also "+=") sets; empty for others.
std::string AssignedName(Node statement);
// The statement below "expression_statement", or the node itself.
Node InnerStatement(Node statement);
// A statement as its lines, with the blanks in front of the first one.
std::string LinesOf(Node statement);
// Lines moved `blanks` to the right.
std::string Deeper(const std::string& lines, size_t blanks);

// A block that a loop gathers into: total += ..., best = tl.maximum(best, ...).
struct Gathered {
  std::string name;
  std::string reduce;  // "tl.sum", "tl.max", "tl.min": what the parts of the block are for
  Node init;           // its assignment in front of the loop
};

// One statement of a kernel's top level. Value.
struct TritonStatement {
  Node node;
  bool is_loop = false;
  PythonLoop loop;                 // when is_loop
  std::vector<Gathered> gathered;  // by the loop
};

// The kernel's statements, a docstring left out. Loops with one block of a row a step are taken
// apart. Empty: a loop is not from 0 by a constant, gathers in another way than by sums and extrema
// of f32 blocks, or a gathered block is used in another way than reduced as a whole.
std::optional<std::vector<TritonStatement>> RowStatements(const DeviceContext& context,
                                                          const DeviceKernel& kernel);

// What the plan passes for the buffer at the head of the address that a tl.load or tl.store is
// given; empty: not known.
std::string BufferOf(const DeviceContext& context, const DeviceKernel& kernel, Node call);

// What is stored is not loaded, and every buffer is stored to at one place: outputs can be made in
// any order. False where a buffer is not known.
bool BuffersAreApart(const DeviceContext& context, const DeviceKernel& kernel);

// The source with the arguments of all launches written out.
std::optional<std::string> WithAllArguments(const DeviceContext& context, std::string source);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_TRITON_PARTS_H_
