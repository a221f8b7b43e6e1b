// The helper text that vectorised candidates carry: wide values in portable vector extensions,
// masked tails, horizontal folds and inline elementary functions.
//
// Error of the functions, in units of the last place of float, as the tests bound it with and
// without -ffast-math: exp 2, log 2, exp2 3, log2 4, log1p 4, tanh 6, expm1 6, erf 8, erfc 64 (100
// in the tail), sin and cos 4 besides 2e-7. exp overflows to infinity and is zero below -86.99;
// not-a-number passes through where the compiler's flags keep it.
#ifndef KS_PROPOSE_VECTOR_PRELUDE_H_
#define KS_PROPOSE_VECTOR_PRELUDE_H_

#include <string>
#include <string_view>

namespace ks {

// The definitions that `code` needs and `source` does not have yet, ready to stand at file scope
// before the kernel. `lanes`: floats in one vector. Empty when nothing is missing.
std::string PreludeFor(std::string_view source, std::string_view code, int lanes);

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_PRELUDE_H_
