// EVOLVE-BLOCK markers: which bytes of a source a model may change.
//
// A marker is a line whose first word after a comment's beginning (//, #, /*, --, ;, %, (*, <!--,
// ') is EVOLVE-BLOCK-START or EVOLVE-BLOCK-END. A source without markers is one block.
#ifndef KS_PROPOSE_LLM_EVOLVE_BLOCK_H_
#define KS_PROPOSE_LLM_EVOLVE_BLOCK_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ks {

enum class MarkerKind { kNone, kStart, kEnd };
// Of a line without its end.
MarkerKind MarkerOf(std::string_view line);

// Bytes [begin, end) between two marker lines, the lines themselves left out.
struct EvolveBlock {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const EvolveBlock&) const = default;
};

struct EvolveBlocks {
  std::vector<EvolveBlock> blocks;  // in order, at least one
  bool marked = false;              // false: no markers, the block is the whole source
};
// ERRORS: kInvalidArgument "line N: ...": an end without a start, a start inside a block or without
// an end.
Result<EvolveBlocks> FindEvolveBlocks(std::string_view source);

}  // namespace ks

#endif  // KS_PROPOSE_LLM_EVOLVE_BLOCK_H_
