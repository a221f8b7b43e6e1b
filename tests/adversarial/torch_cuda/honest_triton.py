# expect: measured
# Control: a Triton kernel after the library's product.
import torch
import triton
import triton.language as tl


@triton.jit
def epilogue(product, bias, y, out, width, elements, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < elements
    value = tl.load(product + at, mask=inside) + tl.load(bias + at % width, mask=inside)
    value = tl.maximum(value, 0.0) + tl.load(y + at, mask=inside)
    tl.store(out + at, value, mask=inside)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        product = x @ self.linear.weight.T
        out = torch.empty_like(product)
        grid = (triton.cdiv(out.numel(), 1024),)
        epilogue[grid](product, self.linear.bias, y, out, out.shape[1], out.numel(), BLOCK=1024)
        return out
