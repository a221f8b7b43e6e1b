#include "tests/propose/device/run/triton_parents.h"

#include "tests/propose/kernel_equality.h"

namespace ks {

DeviceSeed WindowSums() {
  DeviceSeed seed;
  seed.task = TaskOf("f", {"x:f32[height*2+1,width]", "w:f32[3]", "b:f32[height,width]"},
                     {"y:f32[height,width]"}, {"height", "width"});
  seed.source = R"(import triton
import triton.language as tl

# ksmith: const BLOCK = 32
# ksmith: launch f grid=(ceil_div(height*width, BLOCK))


@triton.jit
def f(x, w, b, y, height, width, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i = at // width
    j = at % width
    inside = at < height * width
    offset = tl.load(b + at, mask=inside, other=0.0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for k in tl.static_range(0, 3):
        factor = tl.load(w + k)
        line = i * 2 + k
        present = line < 2 * height + 1
        total = total + factor * tl.load(x + line * width + j, mask=present, other=0.0)
    result = total + offset
    tl.store(y + at, result, mask=inside)
)";
  seed.sizes = {{{"height", 1}, {"width", 1}},
                {{"height", 9}, {"width", 7}},
                {{"height", 16}, {"width", 33}}};
  return seed;
}

std::vector<TritonParent> TritonParents() {
  return {{"triton_strips", "window_sums", WindowSums()}};
}

}  // namespace ks
