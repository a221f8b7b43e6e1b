// Arithmetic over named axes: shapes ("rows + 2"), costs ("2*m*n*k").
//
// Grammar: sum := product (('+'|'-') product)*; product := unary (('*'|'/'|'%') unary)*;
// unary := '-' unary | primary; primary := number | name | '(' sum ')' | function '(' sum (','
// sum)?
// ')'. Values are doubles; '/' is exact division. Functions of two: min, max, and on integers
// ceil_div, floor_div, round_up (to a multiple of the second); of one, on integers: next_pow2 (the
// smallest power of two that is not smaller), log2_floor. '%' works on integers.
#ifndef KS_CORE_EXPR_H_
#define KS_CORE_EXPR_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ks {

// Axis name -> extent of one workload.
using AxisValues = std::map<std::string, int64_t>;

// Where an expression is wrong and why.
struct ExprFault {
  size_t position = 0;  // byte of the text
  std::string what;
};

// ERRORS: kInvalidArgument with the column and what was expected; unknown name; division by zero.
// `fault`, when given, gets the same in pieces.
Result<double> EvaluateExpr(std::string_view text, const AxisValues& axes,
                            ExprFault* fault = nullptr);
// As above; the value must be an integer in [0, 2^40].
Result<int64_t> EvaluateExtent(std::string_view text, const AxisValues& axes);

}  // namespace ks

#endif  // KS_CORE_EXPR_H_
