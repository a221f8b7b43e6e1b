// Arithmetic over named axes: shapes ("rows + 2"), costs ("2*m*n*k").
//
// Grammar: sum := product (('+'|'-') product)*; product := unary (('*'|'/'|'%') unary)*;
// unary := '-' unary | primary; primary := number | name | '(' sum ')' | ('min'|'max'|'ceil_div')
// '(' sum ',' sum ')'. Values are doubles; '/' is exact division, '%' and ceil_div work on
// integers.
#ifndef KS_CORE_EXPR_H_
#define KS_CORE_EXPR_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ks {

// Axis name -> extent of one workload.
using AxisValues = std::map<std::string, int64_t>;

// ERRORS: kInvalidArgument with the column and what was expected; unknown name; division by zero.
Result<double> EvaluateExpr(std::string_view text, const AxisValues& axes);
// As above; the value must be an integer in [0, 2^40].
Result<int64_t> EvaluateExtent(std::string_view text, const AxisValues& axes);

}  // namespace ks

#endif  // KS_CORE_EXPR_H_
