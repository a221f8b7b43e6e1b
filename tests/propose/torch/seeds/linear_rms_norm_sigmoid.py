"""Linear layer, root-mean-square norm, sigmoid gate of the input."""

import torch
import triton
import triton.language as tl

# Kernels and their order: torch.compile of torch 2.11.0.


@triton.jit
def row_add_addmm_mean_mul_pow_rsqrt_sigmoid_0(
    in_out_ptr0, in_ptr0, in_ptr1, in_ptr2, XBLOCK: tl.constexpr
):
    xnumel = 5
    r0_numel = 24
    R0_BLOCK: tl.constexpr = 32
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:, None]
    xmask = xindex < xnumel
    r0_index = tl.arange(0, R0_BLOCK)[None, :]
    r0_mask = r0_index < r0_numel
    r0_1 = r0_index
    x0 = xindex
    tmp0 = tl.load(in_ptr0 + r0_1, mask=r0_mask, eviction_policy='evict_last', other=0.0)
    tmp1 = tl.load(in_out_ptr0 + (r0_1 + 24 * x0), mask=r0_mask & xmask, other=0.0)
    tmp8 = tl.load(in_ptr1 + (r0_1 + 24 * x0), mask=r0_mask & xmask, other=0.0)
    tmp15 = tl.load(in_ptr2 + r0_1, mask=r0_mask, eviction_policy='evict_last', other=0.0)
    tmp2 = tmp0 + tmp1
    tmp3 = tmp2 * tmp2
    tmp4 = tl.broadcast_to(tmp3, [XBLOCK, R0_BLOCK])
    tmp6 = tl.where(r0_mask & xmask, tmp4, 0)
    tmp7 = tl.sum(tmp6, 1)[:, None].to(tl.float32)
    tmp9 = tl.full([1, 1], 24.0, tl.float32)
    tmp10 = tmp7 / tmp9
    tmp11 = tl.full([1, 1], 1e-06, tl.float32)
    tmp12 = tmp10 + tmp11
    tmp13 = tl.rsqrt(tmp12)
    tmp14 = tmp2 * tmp13
    tmp16 = tmp14 * tmp15
    tmp17 = tl.sigmoid(tmp16)
    tmp18 = tmp8 * tmp17
    tl.store(in_out_ptr0 + (r0_1 + 24 * x0), tmp18, mask=r0_mask & xmask)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
        self.gain = torch.nn.Parameter(torch.ones(width))

    def forward(self, x):
        if x.shape != (5, 24) or not x.is_contiguous():
            raise ValueError("x: the kernels are for [5, 24]")
        buf0 = torch.empty((5, 24), dtype=torch.float32, device=x.device)
        # y
        torch.mm(x, self.linear.weight.t(), out=buf0)
        row_add_addmm_mean_mul_pow_rsqrt_sigmoid_0[lambda meta: (triton.cdiv(5, meta["XBLOCK"]),)](
            buf0, self.linear.bias, x, self.gain, XBLOCK=8, num_warps=1, num_stages=1
        )
        return buf0
