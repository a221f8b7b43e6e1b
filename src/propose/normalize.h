// The canonical form of a source, for "was this tried before?".
#ifndef KS_PROPOSE_NORMALIZE_H_
#define KS_PROPOSE_NORMALIZE_H_

#include <string>

namespace ks {

// Comments and white space removed, locals and parameters renamed in order of appearance; build
// directives, launch plan, pragmas, attributes and restrict kept. A source that does not parse as
// C++ (OpenCL, CUDA) comes back with comments and runs of white space removed, Python also with its
// indentation.
std::string NormalizeSource(const std::string& source);

}  // namespace ks

#endif  // KS_PROPOSE_NORMALIZE_H_
