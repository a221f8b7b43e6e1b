// A seed beyond the compiler's: what the skills for modules do first, done at once.
#ifndef KS_PROPOSE_TORCH_FUSED_SEED_H_
#define KS_PROPOSE_TORCH_FUSED_SEED_H_

#include <optional>
#include <string>

namespace ks {

// `compiled` with products and convolutions in Triton, the kernels that follow products as their
// epilogues, and what depends on weights alone computed once. Empty: nothing of that applies.
std::optional<std::string> FusedSeed(const std::string& compiled);

}  // namespace ks

#endif  // KS_PROPOSE_TORCH_FUSED_SEED_H_
