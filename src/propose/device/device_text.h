// Writes kernels: IR as CUDA C++ or OpenCL C, and the replacement of a kernel's body with its
// launch.
#ifndef KS_PROPOSE_DEVICE_DEVICE_TEXT_H_
#define KS_PROPOSE_DEVICE_DEVICE_TEXT_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "propose/device/virtual_nest.h"

namespace ks {

// Spellings of one dialect. Immutable.
class DeviceText {
 public:
  // `index_type`: of flat indices and extents.
  DeviceText(SourceDialect dialect, std::string index_type)
      : cuda_(dialect == SourceDialect::kCuda), index_(std::move(index_type)) {}

  bool cuda() const { return cuda_; }
  std::string Thread(int dimension) const;
  std::string Block(int dimension) const;
  std::string Barrier() const;  // of a block; orders shared and global memory inside it
  // "__shared__ float name[A][B];" and a newline
  std::string Shared(const std::string& type, const std::string& name,
                     const std::string& extents) const;
  const std::string& index_type() const { return index_; }

  std::string Expr(const IrExprPtr& expression) const;
  // `replace` may give another text for an assignment or a loop; empty optional: print it as it is.
  using Replace = std::function<std::optional<std::string>(const IrStmt&)>;
  std::string Statements(const std::vector<IrStmt>& body, const Replace& replace = nullptr) const;
  std::string Statement(const IrStmt& statement, const Replace& replace = nullptr) const;

  // Declarations that take the loop variables of `loops` out of the flat index `flat` (an lvalue
  // of the index type that is used up), the last one fastest.
  std::string Unflatten(const std::vector<LoopHeader>& loops, const std::string& flat) const;
  // "((rows) * (cols))"; "1" for none
  std::string ExtentText(const std::vector<LoopHeader>& loops) const;

 private:
  bool cuda_;
  std::string index_;
};

// The product of the loops' extents in the language of the plan. Empty: the plan cannot say it.
std::optional<std::string> PlanExtent(const VirtualNest& nest,
                                      const std::vector<LoopHeader>& loops);

// A new body for a kernel, and how it is launched. Value.
struct KernelRewrite {
  std::string body;         // without braces
  std::string grid, block;  // inside the parentheses
  std::string shared;       // bytes; empty: as it is
  std::string bound;  // threads of a block that registers must be left for (CUDA); may be empty
  std::vector<std::pair<std::string, std::string>> constants;  // new ones: name, value
  std::vector<std::string> includes;                           // "mma.h"
};

// The parent with that kernel rewritten. Empty: the plan's text could not be edited.
std::optional<std::string> ReplaceKernel(const DeviceContext& context, const VirtualNest& nest,
                                         const KernelRewrite& rewrite);

// A parent in which every launch of `kernel` has a copy of its own, so that each can be rewritten
// for what it is passed. Value.
struct OwnKernels {
  std::string source;
  std::vector<std::string> names;  // of the copies, in the order of the launches
};
// Empty: the text could not be edited. CUDA C++ and OpenCL C.
std::optional<OwnKernels> WithOwnKernels(const DeviceContext& context, const DeviceKernel& kernel);

// A rewritten kernel declares names that begin with "ks_": true when the parent has none in the
// nest, so that nothing clashes.
bool NamesAreFree(const VirtualNest& nest);

// Type of a local of the nest as declared; empty when it is not declared there.
std::string TypeOfLocal(const VirtualNest& nest, const std::string& name);

// `text` in the middle of lines, indented by brace depth from two blanks on; '#' lines at the
// margin.
std::string IndentBody(const std::string& text);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_DEVICE_TEXT_H_
