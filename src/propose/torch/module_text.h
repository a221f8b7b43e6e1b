// Functions that skills bring into a candidate, and edits of whole statements.
#ifndef KS_PROPOSE_TORCH_MODULE_TEXT_H_
#define KS_PROPOSE_TORCH_MODULE_TEXT_H_

#include <string>
#include <string_view>

#include "propose/device/triton_text.h"
#include "propose/torch/module_context.h"

namespace ks {

// matmul(a, b, out, bias, tiles): a product in Triton, of matrices or of batches of them. The
// kernel is matmul_kernel; another one with more inputs can be handed over.
std::string_view MatmulText();
// The kernel of MatmulText() alone, up to where the sum is complete, with `name`, `more` parameters
// and `epilogue` lines (indented by 4) in place of the store.
std::string MatmulKernelWith(const std::string& name, const std::string& more,
                             const std::string& epilogue);
// depthwise_conv(x, weight, bias, stride, padding, dilation, groups), one and two axes.
std::string_view DepthwiseConvText();

// own_conv(x, weight, bias, stride, padding, dilation, tiles), one to three axes, no groups.
std::string_view ConvolutionText();

// What differs between kernels of attention; lines with their indentation.
struct AttentionParts {
  std::string name, more;          // of the kernel; its further parameters
  std::string row, score, weight;  // statements of a row, of a score, and of its weight
  std::string z, kept;             // what the largest is taken of; exponent for what is kept
  // `finite` is the largest so far, or 0 where nothing but -inf was seen.
};
std::string AttentionKernelWith(const AttentionParts& parts);
// attention(q, k, v, out, kernel, more, tiles), of batches.
std::string_view AttentionText();

// What a skill finds of the functions that it brings along.
enum class Brought {
  kMissing,  // they have to be added
  kThere,    // the candidate has them, as the text begins them
  kTaken,    // it has something else of that name
};
// `text` has `function`.
Brought FindBrought(const ModuleContext& module, std::string_view function, std::string_view text);

// Adds top-level text in front of the class, with the imports that it needs.
void AddFunctions(const ModuleContext& module, std::string_view text, TextEdits& edits);

}  // namespace ks

#endif  // KS_PROPOSE_TORCH_MODULE_TEXT_H_
