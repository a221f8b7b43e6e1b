// A parent kernel as skills see it: parsed source, loops, task, machine and what was measured.
#ifndef KS_PROPOSE_KERNEL_CONTEXT_H_
#define KS_PROPOSE_KERNEL_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "core/evaluation.h"
#include "core/kernel_source.h"
#include "core/machine.h"
#include "core/task.h"
#include "propose/cpp/dependence.h"
#include "propose/cpp/loop_nest.h"
#include "propose/cpp/rewrite.h"

namespace ks {

// A function with its loops. Immutable.
struct AnalysedFunction {
  std::unique_ptr<Function> function;
  std::unique_ptr<LoopNest> nest;
  bool is_entry = false;
  bool distinct_arguments = false;  // pointer parameters never overlap

  Dependence dependence() const { return Dependence(*nest, distinct_arguments); }
};

// Immutable; task, machine and evaluation must outlive it.
class KernelContext {
 public:
  // Null when the source does not parse or does not define the task's entry function.
  // `evaluation` may be null (nothing measured yet).
  static std::unique_ptr<KernelContext> Make(const std::string& source, const Task& task,
                                             const Machine& machine, const Evaluation* evaluation);

  const std::string& source() const { return tree_.source(); }
  const SyntaxTree& tree() const { return tree_; }
  const Task& task() const { return *task_; }
  const Machine& machine() const { return *machine_; }
  const Evaluation* evaluation() const { return evaluation_; }
  // Null when the parent was not measured.
  const Measured* measured() const;
  // Features of the compiled parent; defaults when not compiled.
  const CodeFeatures& features() const;
  const BuildDirectives& directives() const { return directives_; }
  bool HasFlag(const std::string& flag) const;
  // Sums may be reordered.
  bool MayReassociate() const { return task_->allow_reassociation; }

  const std::vector<AnalysedFunction>& functions() const { return functions_; }
  const AnalysedFunction& entry() const { return functions_[entry_]; }
  // All canonical loops of all functions with the function they are in.
  struct Site {
    const AnalysedFunction* function;
    const Loop* loop;
  };
  const std::vector<Site>& loops() const { return loops_; }

 private:
  struct Private {
    explicit Private() = default;
  };

 public:
  // Use Make.
  KernelContext(Private, SyntaxTree tree) : tree_(std::move(tree)) {}

 private:
  SyntaxTree tree_;
  const Task* task_ = nullptr;
  const Machine* machine_ = nullptr;
  const Evaluation* evaluation_ = nullptr;
  BuildDirectives directives_;
  std::vector<AnalysedFunction> functions_;
  std::vector<Site> loops_;
  size_t entry_ = 0;
  CodeFeatures no_features_;
};

}  // namespace ks

#endif  // KS_PROPOSE_KERNEL_CONTEXT_H_
