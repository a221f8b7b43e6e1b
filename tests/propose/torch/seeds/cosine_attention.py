"""Attention of normalised queries and keys with a learned scale for each head."""

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
def row_clamp_min_div_expand_linalg_vector_norm_0(in_ptr0, out_ptr1, XBLOCK: tl.constexpr):
    R0_BLOCK: tl.constexpr = 16
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:, None]
    r0_index = tl.arange(0, R0_BLOCK)[None, :]
    r0_1 = r0_index
    x0 = xindex
    tmp0 = tl.load(in_ptr0 + (r0_1 + 16 * x0))
    tmp1 = tmp0 * tmp0
    tmp2 = tl.broadcast_to(tmp1, [XBLOCK, R0_BLOCK])
    tmp4 = tl.sum(tmp2, 1)[:, None].to(tl.float32)
    tmp5 = tl.sqrt_rn(tmp4)
    tmp6 = tl.full([1, 1], 1e-12, tl.float32)
    tmp7 = tl.maximum(tmp5, tmp6, propagate_nan=tl.PropagateNan.ALL)
    tmp8 = tmp0 / tmp7
    tl.store(out_ptr1 + (r0_1 + 16 * x0), tmp8)


@triton.jit
def row_softmax_amax_exp_ge_mul_neg_scalar_tensor_1(in_out_ptr0, in_ptr0, XBLOCK: tl.constexpr):
    R0_BLOCK: tl.constexpr = 64
    xoffset = tl.program_id(0) * XBLOCK
    xindex = xoffset + tl.arange(0, XBLOCK)[:, None]
    r0_index = tl.arange(0, R0_BLOCK)[None, :]
    r0_3 = r0_index
    x4 = xindex
    x1 = xindex // 64 % 2
    tmp0 = tl.load(in_out_ptr0 + (r0_3 + 64 * x4))
    tmp1 = tl.load(in_ptr0 + x1, eviction_policy='evict_last')
    tmp2 = tl.exp(tmp1)
    tmp3 = tl.full([1, 1], 0.0, tl.float32)
    tmp4 = tmp2 >= tmp3
    tmp5 = tl.full([1, 1], 1.0, tl.float32)
    tmp6 = tl.full([1, 1], -1.0, tl.float32)
    tmp7 = tl.where(tmp4, tmp5, tmp6)
    tmp8 = tmp0 * tmp7
    tmp9 = tl.broadcast_to(tmp8, [XBLOCK, R0_BLOCK])
    tmp11 = helper_max2(tmp9, 1)[:, None].to(tl.float32)
    tmp12 = tmp8 - tmp11
    tmp13 = tmp7 * tmp2
    tmp14 = tmp12 * tmp13
    tmp15 = tl.exp(tmp14)
    tmp16 = tl.broadcast_to(tmp15, [XBLOCK, R0_BLOCK])
    tmp18 = tl.sum(tmp16, 1)[:, None].to(tl.float32)
    tmp19 = tmp15 / tmp18
    tl.store(in_out_ptr0 + (r0_3 + 64 * x4), tmp19)


class ModelNew(torch.nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.scale = torch.nn.Parameter(2.0 + torch.rand(heads, 1, 1))

    def forward(self, q, k, v):
        if q.shape != (1, 2, 64, 16) or not q.is_contiguous():
            raise ValueError("q: the kernels are for [1, 2, 64, 16]")
        if k.shape != (1, 2, 64, 16) or not k.is_contiguous():
            raise ValueError("k: the kernels are for [1, 2, 64, 16]")
        if v.shape != (1, 2, 64, 16) or not v.is_contiguous():
            raise ValueError("v: the kernels are for [1, 2, 64, 16]")
        buf2 = torch.empty((1, 2, 64, 16), dtype=torch.float32, device=q.device)
        row_clamp_min_div_expand_linalg_vector_norm_0[lambda meta: (triton.cdiv(128, meta["XBLOCK"]),)](
            q, buf2, XBLOCK=16, num_warps=4, num_stages=1
        )
        buf3 = torch.empty((1, 2, 64, 16), dtype=torch.float32, device=q.device)
        row_clamp_min_div_expand_linalg_vector_norm_0[lambda meta: (triton.cdiv(128, meta["XBLOCK"]),)](
            k, buf3, XBLOCK=16, num_warps=4, num_stages=1
        )
        buf4 = torch.empty((2, 64, 64), dtype=torch.float32, device=q.device)
        # q, matmul, k, transpose
        torch.bmm(
            buf2.view(2, 64, 16), buf3.as_strided((2, 16, 64), (1024, 1, 16)), out=buf4
        )
        del buf2
        del buf3
        buf7 = buf4.view(1, 2, 64, 64)
        del buf4
        row_softmax_amax_exp_ge_mul_neg_scalar_tensor_1[lambda meta: (triton.cdiv(128, meta["XBLOCK"]),)](
            buf7, self.scale, XBLOCK=1, num_warps=4, num_stages=1
        )
        buf8 = torch.empty((2, 64, 16), dtype=torch.float32, device=q.device)
        # matmul, exp, softmax, matmul_1
        torch.bmm(buf7.view(2, 64, 64), v.view(2, 64, 16), out=buf8)
        del buf7
        return buf8.view(1, 2, 64, 16)
