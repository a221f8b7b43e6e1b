// Which names of a C-like source are those of locals and parameters, told from its tokens alone.
#ifndef KS_PROPOSE_LOCAL_NAMES_H_
#define KS_PROPOSE_LOCAL_NAMES_H_

#include <cstddef>
#include <span>
#include <vector>

#include "propose/source_tokens.h"

namespace ks {

// A function: its tokens from the parameters' parenthesis to the closing brace.
struct NameRegion {
  size_t begin = 0;
  size_t end = 0;          // one past the brace
  std::vector<int> names;  // words that may be renamed inside, sorted
};

// Regions in order; they do not overlap. A name is listed only when renaming it everywhere in its
// region, but behind ".", "->" and beside "::", leaves the meaning as it is: it is declared there
// (wherever it appears some declaration reaches),
// and it appears neither outside of functions nor in a line of the preprocessor (but pragmas), nor
// as a type or a member of a struct. What is not understood is not listed. Empty when the braces do
// not pair.
std::vector<NameRegion> LocalNamesOf(const SourceTokens& source);

// Whether the word at `at` can be a local's: not behind "." or "->" nor beside "::".
bool MayNameLocal(std::span<const Token> tokens, size_t at);

}  // namespace ks

#endif  // KS_PROPOSE_LOCAL_NAMES_H_
