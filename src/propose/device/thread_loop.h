// Spellings of thread and block indices, and the forms of loops that the threads of a block share.
#ifndef KS_PROPOSE_DEVICE_THREAD_LOOP_H_
#define KS_PROPOSE_DEVICE_THREAD_LOOP_H_

#include <optional>
#include <string>
#include <string_view>

#include "propose/device/device_context.h"

namespace ks {

// `node` without parentheses and casts around it.
Node WithoutCasts(Node node);
// True for threadIdx.x and the like in the context's dialect. `what`: "threadIdx", "blockIdx",
// "blockDim", "gridDim"; OpenCL also "global" and "globalSize".
bool IsBuiltinOf(const DeviceContext& context, Node node, std::string_view what, int dimension);

// What a block-wide helper of the source does with its argument: '+', '>' (largest) or '<'
// (smallest) over the threads of the block. 0: it is no such helper.
char BlockReductionOf(const DeviceContext& context, std::string_view function);

// In a cooperative kernel: the first value of a loop `for (T v = threadIdx.x + low; ...; v +=
// BLOCK)` without the thread ("0" when there is nothing else); empty: not such a loop.
std::optional<std::string> ThreadLoopStart(const DeviceContext& context, const PlanLaunch& launch,
                                           Node for_statement);
// The variable that stands for blockIdx.x (y, z) in a cooperative kernel.
std::string BlockVariable(int dimension);
// The dimension of a lone blockIdx.x / get_group_id(0); empty: `node` is something else.
std::optional<int> BlockDimension(const DeviceContext& context, Node node);
// True for `threadIdx.x == 0` and the like.
bool IsFirstThread(const DeviceContext& context, Node condition);

}  // namespace ks

#endif  // KS_PROPOSE_DEVICE_THREAD_LOOP_H_
