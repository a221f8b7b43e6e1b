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

DeviceSeed ColumnSoftmax() {
  DeviceSeed seed;
  seed.task = TaskOf("f", {"x:f32[rows,steps,lanes]", "w:f32[steps]", "b:f32[lanes]"},
                     {"y:f32[rows,steps,lanes]"}, {"rows", "steps", "lanes"});
  seed.source = R"(import triton
import triton.language as tl

# ksmith: const BLOCK = 32
# ksmith: launch f grid=(ceil_div(lanes, BLOCK), rows)


@triton.jit
def f(x, w, b, y, rows, steps, lanes, BLOCK: tl.constexpr):
    j = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    row = tl.program_id(1)
    inside = j < lanes
    best = tl.full((BLOCK,), -float("inf"), dtype=tl.float32)
    for k in range(0, steps):
        best = tl.maximum(best, tl.load(x + (row * steps + k) * lanes + j, mask=inside, other=0.0))
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for i in range(0, steps):
        at = row * steps * lanes + i * lanes + j
        total += tl.exp(tl.load(x + at, mask=inside, other=0.0) - best)
    for i in range(0, steps):
        at = row * steps * lanes + i * lanes + j
        value = tl.exp(tl.load(x + at, mask=inside, other=0.0) - best)
        shift = tl.load(b + j, mask=inside, other=0.0)
        tl.store(y + at, value / total * tl.load(w + i) + shift, mask=inside)
)";
  seed.sizes = {{{"rows", 1}, {"steps", 1}, {"lanes", 1}},
                {{"rows", 2}, {"steps", 7}, {"lanes", 45}},
                {{"rows", 1}, {"steps", 16}, {"lanes", 64}}};
  return seed;
}

std::vector<TritonParent> TritonParents() {
  return {{"triton_strips", "window_sums", WindowSums()},
          {"triton_stack_steps", "column_softmax", ColumnSoftmax()}};
}

}  // namespace ks
