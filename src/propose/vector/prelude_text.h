// The texts of prelude.cc. Each piece is C++ for the candidate, inside namespace wide.
#ifndef KS_PROPOSE_VECTOR_PRELUDE_TEXT_H_
#define KS_PROPOSE_VECTOR_PRELUDE_TEXT_H_

namespace ks {

extern const char kPreludeCore[];
extern const char kPreludeMemory[];
extern const char kPreludeScratch[];
extern const char kPreludeRows[];
extern const char kPreludeFold[];
extern const char kPreludeRagged[];
extern const char kPreludeScan[];
extern const char kPreludeGather[];
extern const char kPreludeArg[];

}  // namespace ks

#endif  // KS_PROPOSE_VECTOR_PRELUDE_TEXT_H_
