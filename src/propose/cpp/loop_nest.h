// The loops of a function as a tree, in canonical form where they have one.
#ifndef KS_PROPOSE_CPP_LOOP_NEST_H_
#define KS_PROPOSE_CPP_LOOP_NEST_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "propose/cpp/effects.h"
#include "propose/cpp/function.h"

namespace ks {

// `for (T v = lo; v < hi; v += step) body`, step a positive constant or constant name. Loops of any
// other form have canonical = false and only `node`, `body`, `parent` and `children`.
struct Loop {
  Node node;
  Node body;  // the statement below the header
  bool canonical = false;
  const Decl* variable = nullptr;
  std::string type;        // of the variable
  Node low, high;          // expressions; the condition is v < high or v <= high
  bool inclusive = false;  // v <= high
  std::string step = "1";  // source text
  std::vector<std::string> pragmas;
  const Loop* parent = nullptr;
  std::vector<std::unique_ptr<Loop>> children;  // loops directly below, in order
  int depth = 0;                                // 0: outermost

  std::string name() const { return variable == nullptr ? "?" : variable->name; }
  // Step 1 from 0: the common case that most rewrites ask for.
  bool HasUnitStep() const { return canonical && step == "1"; }
  // The text of the exclusive upper bound: "n", or "n + 1" for v <= n.
  std::string HighText() const;
  std::string LowText() const { return std::string(low.text()); }
  // Statements of the body: those of the block, or the single statement.
  std::vector<Node> Statements() const;
  // Source text of the statements, without the braces of the block.
  std::string BodyText() const;
  // The one loop that is the whole body; null when the nest is not perfect here.
  const Loop* PerfectChild() const;
  bool IsInnermost() const { return children.empty(); }
};

// Loop trees of a function's body. Immutable; refers to the function.
class LoopNest {
 public:
  explicit LoopNest(const Function& function);
  const std::vector<std::unique_ptr<Loop>>& roots() const { return roots_; }
  // All loops, outer before inner, in source order.
  const std::vector<const Loop*>& all() const { return all_; }
  const Function& function() const { return *function_; }
  // The loop that declares the variable of this polynomial symbol; null when none.
  const Loop* FindVariable(const std::string& symbol) const;
  // Exclusive upper bounds of the loop's variable as polynomials: one, or several for min(a, b).
  std::vector<Poly> UpperBounds(const Loop& loop) const;

 private:
  void Collect(Node node, Loop* parent);
  std::unique_ptr<Loop> Read(Node for_statement, const Loop* parent) const;

  const Function* function_;
  std::vector<std::unique_ptr<Loop>> roots_;
  std::vector<const Loop*> all_;
};

// A scalar declared outside a loop whose only use inside is `s = s op value`.
struct Reduction {
  const Decl* accumulator = nullptr;
  std::string op;  // "+", "*", "max", "min"
  Node statement;  // the one statement that updates it
  Node value;      // the operand that is folded in
};

// The reductions of `loop` (nested statements included); a scalar that is written in any other way
// is not among them.
std::vector<Reduction> ReductionsOf(const LoopNest& nest, const Loop& loop);

}  // namespace ks

#endif  // KS_PROPOSE_CPP_LOOP_NEST_H_
