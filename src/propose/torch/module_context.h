// A candidate for a PyTorch module as skills see it: the Triton kernels of the file, what forward
// of ModelNew does, statement by statement, and every launch.
#ifndef KS_PROPOSE_TORCH_MODULE_CONTEXT_H_
#define KS_PROPOSE_TORCH_MODULE_CONTEXT_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "propose/cpp/syntax.h"

namespace ks {

// In a comment beside the condition of what only the first call computes.
inline constexpr std::string_view kOnceMark = "ksmith: once";

// A function under @triton.jit. Value; refers to the context's tree.
struct ModuleKernel {
  std::string name;
  Node whole;  // with its decorator
  Node definition;
  Node body;
  std::vector<std::string> parameters;  // names, in order
  // Parameters that the launch gives by position: those before the first constexpr.
  std::vector<std::string> pointers;
};

// kernel[grid](arguments, NAME=value, ...)
struct ModuleLaunch {
  Node call;
  Node grid;
  size_t kernel = 0;  // number among kernels()
};

// A statement of forward.
struct ForwardStatement {
  Node node;
  std::string target;              // the one name that it assigns; empty: none
  std::vector<std::string> binds;  // all names that it gives a new meaning, `target` included
  std::string base;                // whose memory the target may share; empty: of its own
  bool of_self = false;            // the target may share memory with something of self
  Node value;                      // what it assigns, or the call
  std::vector<std::string> reads;  // local names, those it fills included
  std::vector<std::string> fills;  // names whose memory it writes (out=, a kernel's outputs)
  std::vector<std::string> drops;  // del
  std::optional<size_t> launch;    // number among launches()
  bool understood = false;         // false: anything may happen here
};

// Immutable.
class ModuleContext {
 public:
  // Null when the source does not parse or has no class ModelNew with a forward.
  // `precision`: what the task allows, as Task::precision.
  static std::unique_ptr<ModuleContext> Make(const std::string& source,
                                             const std::string& precision = "f32");

  const std::string& source() const { return tree_.source(); }
  const SyntaxTree& tree() const { return tree_; }
  const std::string& precision() const { return precision_; }
  const std::vector<ModuleKernel>& kernels() const { return kernels_; }
  const std::vector<ModuleLaunch>& launches() const { return launches_; }
  const std::vector<ForwardStatement>& forward() const { return forward_; }
  // Parameters of forward, without self.
  const std::vector<std::string>& arguments() const { return arguments_; }
  // The buffer whose memory a local name has: views, aliases and parts are followed to what they
  // are of. Two names may share memory only when this is the same.
  std::string RootOf(const std::string& name) const;
  // Whether forward gives some name two meanings, so that RootOf holds for one of them only.
  bool Rebinds() const;
  Node candidate() const { return candidate_; }  // the class, with its decorators
  bool Uses(std::string_view name) const;        // as an identifier, anywhere
  // A name that the source does not use, made from `base`.
  std::string FreshName(const std::string& base) const;
  // Where text for new top-level functions goes: before the class.
  size_t BeforeCandidate() const { return candidate_.begin(); }
  // From the start of the line of `node` (its comment lines too) to the end of its last line.
  std::pair<size_t, size_t> LinesOf(Node node) const;

 private:
  explicit ModuleContext(SyntaxTree tree) : tree_(std::move(tree)) {}
  void FindKernels();
  void FindLaunches();
  bool FindForward();
  ForwardStatement Read(Node statement) const;
  void ReadAssignment(Node inner, ForwardStatement& statement) const;
  void ReadLaunch(size_t launch, ForwardStatement& statement) const;

  SyntaxTree tree_;
  std::string precision_;
  std::vector<ModuleKernel> kernels_;
  std::vector<ModuleLaunch> launches_;
  std::vector<ForwardStatement> forward_;
  std::vector<std::string> arguments_;
  Node candidate_;
};

// Names of local variables that an expression reads: no attributes, keywords, parameters of lambdas
// or functions of torch; `x.device`, `x.shape` and `x.dtype` read no content.
std::vector<std::string> LocalNames(Node node);
// Whether a call has arguments that it does not show: *parts, **options.
bool HasSplat(Node call);
// Whether `node` reads something of self.
bool ReadsSelf(Node node);

}  // namespace ks

#endif  // KS_PROPOSE_TORCH_MODULE_CONTEXT_H_
