// Prints expressions in lane form: scalars stay scalars, what varies becomes Wide or WideInt.
#ifndef KS_PROPOSE_VECTOR_LANE_EXPR_H_
#define KS_PROPOSE_VECTOR_LANE_EXPR_H_

#include <map>
#include <set>
#include <string>

#include "propose/vector/loop_ir.h"

namespace ks {

// What the printer must know about the place of an expression. Single thread.
struct LaneContext {
  std::string lane_loop;                       // the vectorised variable; empty: scalar code
  std::set<std::string> varying;               // names with one value a lane
  std::map<std::string, std::string> renamed;  // reductions: name -> accumulator in the block
  std::string mask;                            // lanes that are on; empty: all live ones
  std::set<std::string> safe_loads;            // element texts already read without a mask
  std::string jam_loop;                        // register-block variable; empty: none
  std::set<std::string> per_row;               // names with one value a row of the block
  std::string row;                             // inside a loop over rows: its variable
};

// What a call of pow becomes, by its constant exponent.
enum class Power {
  kNone,   // no lane form: the exponent is no constant, or a whole number above 4
  kWhole,  // a product of 2 to 4 factors
  kRoot,   // a square root
  kReal,   // exp of a logarithm; only for exponents that demand a base >= 0
};
// `factors` receives the number of factors of kWhole.
Power PowerForm(const IrExpr& call, int* factors = nullptr);

class LanePrinter {
 public:
  LanePrinter(const KernelIr& kernel, LaneContext& context) : kernel_(kernel), context_(context) {}

  // True when the value differs between lanes.
  bool Varies(const IrExprPtr& e) const;
  // True when the value differs between rows of the block.
  bool PerRow(const IrExprPtr& e) const;
  std::string Scalar(const IrExprPtr& e) const;  // REQUIRES: !Varies(e)
  std::string Float(const IrExprPtr& e) const;   // a Wide<U>
  std::string Int(const IrExprPtr& e) const;     // a WideInt<U>
  std::string Mask(const IrExprPtr& e) const;    // a WideInt<U> of 0 and -1
  std::string Lane(const IrExprPtr& e, IrType as) const;
  // Name of a local or accumulator at this place, with its row.
  std::string Local(const std::string& name) const;

 private:
  std::string Operand(const IrExprPtr& e, int precedence) const;
  std::string Any(const IrExprPtr& e, int precedence) const;
  std::string Load(const IrExpr& e) const;
  std::string Call(const IrExpr& e) const;
  std::string Binary(const IrExpr& e, int precedence) const;

  [[maybe_unused]] const KernelIr& kernel_;
  LaneContext& context_;
};

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_LANE_EXPR_H_
