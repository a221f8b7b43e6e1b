// The canonical form of a source, for "was this tried before?".
#ifndef KS_PROPOSE_NORMALIZE_H_
#define KS_PROPOSE_NORMALIZE_H_

#include <string>

namespace ks {

// Comments and white space removed, locals and parameters renamed in order of appearance;
// build directives, pragmas, attributes and restrict kept. A source that does not
// parse comes back with its directives, comments and runs of white space removed.
std::string NormalizeSource(const std::string& source);

}  // namespace ks

#endif  // KS_PROPOSE_NORMALIZE_H_
