// What several skills share: facts about loops and pieces of text.
#ifndef KS_PROPOSE_SKILLS_COMMON_H_
#define KS_PROPOSE_SKILLS_COMMON_H_

#include <set>
#include <string>
#include <vector>

#include "propose/kernel_context.h"

namespace ks {

// "the loop over j (line 12)"
std::string Describe(const Loop& loop);
// The loop, or one inside or around it, carries an OpenMP pragma: rewriting would change its
// meaning.
bool HasOpenMp(const Loop& loop);
// Any break, continue, return or goto below `node`.
bool HasJumps(Node node);
// Array accesses of the innermost loops below (and of) `loop`.
std::vector<Access> InnermostAccesses(const AnalysedFunction& function, const Loop& loop);

// How accesses move when a loop variable steps by one.
struct StrideCount {
  int none = 0;     // do not move
  int unit = 0;     // next element
  int strided = 0;  // further
  int unknown = 0;  // through an index array, say
};
StrideCount CountStrides(const std::vector<Access>& accesses, const std::string& symbol);

// `decl` (declared inside the body of a loop) holds the same value in every iteration of the
// variables in `varying`: never written, its value made of uniform names only, no memory read.
bool IsUniform(const Function& function, const Decl& decl, const std::set<const Decl*>& varying);
// No identifier in `expression` varies: not in `varying`, and not a local declared inside `region`
// unless that is uniform or a loop variable outside `varying`; no memory is read.
bool IsUniformExpression(const Function& function, Node expression, Node region,
                         const std::set<const Decl*>& varying);

// Scalar element types that can be put into arrays of lanes.
bool IsPlainScalarType(const std::string& type);

// The neutral element of a reduction as an expression of `accumulator`: "0", "1", or itself for
// max and min.
std::string NeutralOf(const Reduction& reduction);
// Statement folding `value` into `target`: "s += v;", "s = v > s ? v : s;".
std::string FoldText(const Reduction& reduction, const std::string& target,
                     const std::string& value);

}  // namespace ks

#endif  // KS_PROPOSE_SKILLS_COMMON_H_
