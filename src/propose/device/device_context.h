// A parent in a device language (CUDA C++, OpenCL C, Triton) as skills see it: its launch plan, the
// parsed source, task, machine and what was measured.
#ifndef KS_PROPOSE_DEVICE_DEVICE_CONTEXT_H_
#define KS_PROPOSE_DEVICE_DEVICE_CONTEXT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/evaluation.h"
#include "core/launch_plan.h"
#include "core/machine.h"
#include "core/task.h"
#include "propose/cpp/syntax.h"

namespace ks {

// Empty: `backend` has no device language ("cpu").
std::optional<SourceDialect> DeviceDialectOf(std::string_view backend);

// A kernel of the source that the plan launches. Value; refers to the context's tree.
struct DeviceKernel {
  std::string name;
  std::vector<size_t> launches;  // of this kernel, in order; counted as the plan's launches are
  Node definition;
  Node body;                     // with its braces
  std::vector<Node> parameters;  // declarations, in order
  std::vector<std::string> parameter_names;
};

// Immutable; task, machine and evaluation must outlive it.
class DeviceContext {
 public:
  // Null when the source does not parse, has no valid launch plan, or does not define every kernel
  // that the plan launches. `evaluation` may be null (nothing measured yet).
  static std::unique_ptr<DeviceContext> Make(const std::string& source, const Task& task,
                                             const Machine& machine, std::string_view backend,
                                             const Evaluation* evaluation);

  const std::string& source() const { return tree_.source(); }
  const SyntaxTree& tree() const { return tree_; }
  SourceDialect dialect() const { return dialect_; }
  bool IsCuda() const { return dialect_ == SourceDialect::kCuda; }
  bool IsOpenCl() const { return dialect_ == SourceDialect::kOpenCl; }
  bool IsTriton() const { return dialect_ == SourceDialect::kPython; }
  const Task& task() const { return *task_; }
  const Machine& machine() const { return *machine_; }
  // The device, or a plain GPU when the machine names none.
  const DeviceInfo& device() const;
  const Evaluation* evaluation() const { return evaluation_; }
  // Null when the parent was not measured.
  const Measured* measured() const;

  const LaunchPlan& plan() const { return plan_; }
  // The plan's launches, in order (clears left out).
  const std::vector<const PlanLaunch*>& launches() const { return launches_; }
  const std::vector<DeviceKernel>& kernels() const { return kernels_; }
  // What launch number `launch` passes, written out also where the plan leaves it to the rule.
  std::vector<std::string> LaunchArguments(size_t launch) const;
  // What a launch of `kernel` passes for each parameter, by the order of the parameters. A constant
  // of the plan (tl.constexpr) stands for itself; "": nothing is passed.
  std::vector<std::string> ParameterValues(const DeviceKernel& kernel, size_t launch) const;
  // Its number among the plan's steps.
  size_t StepOf(size_t launch) const;
  // Extents of an output or scratch buffer in the plan's language; empty: it is neither.
  std::vector<std::string> ShapeOf(const std::string& buffer) const;
  bool HasConstant(std::string_view name) const;
  // A name that neither the source nor the plan uses, made from `base`.
  std::string FreshName(const std::string& base) const;
  // "// ksmith: flags ..." words; empty when there is no such line.
  std::vector<std::string> flags() const;
  // The source with these flags; an empty list removes the line.
  std::string WithFlags(const std::vector<std::string>& flags) const;

 private:
  struct Private {
    explicit Private() = default;
  };

 public:
  // Use Make.
  DeviceContext(Private, SyntaxTree tree, LaunchPlan plan, SourceDialect dialect);

 private:
  bool FindKernels();

  SyntaxTree tree_;
  LaunchPlan plan_;
  SourceDialect dialect_;
  const Task* task_ = nullptr;
  const Machine* machine_ = nullptr;
  const Evaluation* evaluation_ = nullptr;
  std::vector<const PlanLaunch*> launches_;
  std::vector<DeviceKernel> kernels_;
};

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_DEVICE_CONTEXT_H_
