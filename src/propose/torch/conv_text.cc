#include "propose/torch/module_text.h"

namespace ks {
namespace {

constexpr std::string_view kConvolution = R"py(@triton.jit
def own_conv_kernel(
    x_ptr,
    w_ptr,
    bias_ptr,
    out_ptr,
    M,
    N,
    C,
    out_d,
    out_h,
    out_w,
    in_d,
    in_h,
    in_w,
    x_n,
    x_c,
    x_d,
    x_h,
    x_w,
    w_n,
    w_c,
    w_d,
    w_h,
    w_w,
    o_n,
    o_c,
    o_d,
    o_h,
    o_w,
    HAS_BIAS: tl.constexpr,
    EVEN: tl.constexpr,
    PRECISION: tl.constexpr,
    KD: tl.constexpr,
    KH: tl.constexpr,
    KW: tl.constexpr,
    SD: tl.constexpr,
    SH: tl.constexpr,
    SW: tl.constexpr,
    PD: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    DD: tl.constexpr,
    DH: tl.constexpr,
    DW: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    columns = tl.cdiv(N, BLOCK_N)
    rm = (tl.program_id(0) // columns) * BLOCK_M + tl.arange(0, BLOCK_M)  # places of the output
    rn = (tl.program_id(0) % columns) * BLOCK_N + tl.arange(0, BLOCK_N)  # its channels
    rk = tl.arange(0, BLOCK_K)  # channels of the input
    w = rm % out_w
    h = rm // out_w % out_h
    d = rm // (out_w * out_h) % out_d
    n = (rm // (out_w * out_h * out_d)).to(tl.int64)
    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for tap in range(0, KD * KH * KW):
        kd = tap // (KH * KW)
        kh = tap // KW % KH
        kw = tap % KW
        xd = d * SD - PD + kd * DD
        xh = h * SH - PH + kh * DH
        xw = w * SW - PW + kw * DW
        inside = (rm < M) & (xd >= 0) & (xd < in_d) & (xh >= 0) & (xh < in_h)
        inside = inside & (xw >= 0) & (xw < in_w)
        place = n * x_n + xd * x_d + xh * x_h + xw * x_w
        x_at = x_ptr + place[:, None] + rk[None, :] * x_c
        w_at = w_ptr + kd * w_d + kh * w_h + kw * w_w
        w_at = w_at + rk[:, None] * w_c + (rn % N)[None, :] * w_n
        for k in range(0, C, BLOCK_K):
            if EVEN:
                a = tl.load(x_at, mask=inside[:, None], other=0.0)
                b = tl.load(w_at)
            else:
                a = tl.load(x_at, mask=inside[:, None] & (rk[None, :] < C - k), other=0.0)
                b = tl.load(w_at, mask=rk[:, None] < C - k, other=0.0)
            acc = tl.dot(a, b, acc, input_precision=PRECISION)
            x_at += BLOCK_K * x_c
            w_at += BLOCK_K * w_c
    if HAS_BIAS:
        acc += tl.load(bias_ptr + rn % N)[None, :]
    place = n * o_n + d * o_d + h * o_h + w * o_w
    mask = (rm[:, None] < M) & (rn[None, :] < N)
    tl.store(out_ptr + place[:, None] + rn[None, :] * o_c, acc, mask=mask)


def own_conv(x, weight, bias, stride, padding, dilation, tiles=(128, 64, 32, 4, 3)):
    """A convolution as a product over channels for each tap; one to three axes."""
    flat = 5 - x.dim()
    for _ in range(flat):
        x, weight = x.unsqueeze(2), weight.unsqueeze(2)
    if x.stride(1) != 1:  # channels last: a tile reads them side by side
        x = x.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3)
    if weight.stride(1) != 1:
        weight = weight.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3)
    stride, padding, dilation = (1,) * flat + stride, (0,) * flat + padding, (1,) * flat + dilation
    taps = weight.shape[2:]
    extents = [
        (n + 2 * p - d * (t - 1) - 1) // s + 1
        for n, p, d, t, s in zip(x.shape[2:], padding, dilation, taps, stride)
    ]
    M, N, C = x.shape[0] * extents[0] * extents[1] * extents[2], weight.shape[0], x.shape[1]
    if C != weight.shape[1]:
        raise ValueError("own_conv: groups")
    out = torch.empty((x.shape[0], *extents, N), dtype=x.dtype, device=x.device)
    out = out.permute(0, 4, 1, 2, 3)
    m, n, k, warps, stages = tiles
    own_conv_kernel[(triton.cdiv(M, m) * triton.cdiv(N, n),)](
        x, weight, weight if bias is None else bias, out, M, N, C, *extents, *x.shape[2:],
        *x.stride(), *weight.stride(), *out.stride(), HAS_BIAS=bias is not None, EVEN=C % k == 0,
        PRECISION="tf32x3", KD=taps[0], KH=taps[1], KW=taps[2], SD=stride[0], SH=stride[1],
        SW=stride[2], PD=padding[0], PH=padding[1], PW=padding[2], DD=dilation[0], DH=dilation[1],
        DW=dilation[2], BLOCK_M=m, BLOCK_N=n, BLOCK_K=k, num_warps=warps, num_stages=stages,
    )
    for _ in range(flat):
        out = out.squeeze(2)
    return out
)py";

}  // namespace

std::string_view ConvolutionText() { return kConvolution; }

}  // namespace ks
