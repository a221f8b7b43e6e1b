#include "propose/torch/module_text.h"

namespace ks {
namespace {

// `%NAME%`, `%MORE%` and `%END%` are filled in.
constexpr std::string_view kMatmulKernel = R"py(@triton.jit
def %NAME%(
    a_ptr,
    b_ptr,
    out_ptr,
    bias_ptr,
%MORE%    M,
    N,
    K,
    a_batch,
    a_row,
    a_column,
    b_batch,
    b_row,
    b_column,
    bias_batch,
    bias_row,
    bias_column,
    HAS_BIAS: tl.constexpr,
    EVEN: tl.constexpr,
    PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    program = tl.program_id(0)
    batch = tl.program_id(1).to(tl.int64)
    rows = tl.cdiv(M, BLOCK_M)
    columns = tl.cdiv(N, BLOCK_N)
    group = program // (8 * columns)  # eight rows of tiles at a time share the columns of b
    height = min(rows - group * 8, 8)
    tile_m = group * 8 + (program % (8 * columns)) % height
    tile_n = (program % (8 * columns)) // height
    rm = tile_m * BLOCK_M + tl.arange(0, BLOCK_M)
    rn = tile_n * BLOCK_N + tl.arange(0, BLOCK_N)
    rk = tl.arange(0, BLOCK_K)
    a_at = a_ptr + batch * a_batch + (rm % M)[:, None] * a_row + rk[None, :] * a_column
    b_at = b_ptr + batch * b_batch + rk[:, None] * b_row + (rn % N)[None, :] * b_column
    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k in range(0, K, BLOCK_K):
        if EVEN:
            a = tl.load(a_at)
            b = tl.load(b_at)
        else:
            a = tl.load(a_at, mask=rk[None, :] < K - k, other=0.0)
            b = tl.load(b_at, mask=rk[:, None] < K - k, other=0.0)
        acc = tl.dot(a, b, acc, input_precision=PRECISION)
        a_at += BLOCK_K * a_column
        b_at += BLOCK_K * b_row
    xmask = (rm[:, None] < M) & (rn[None, :] < N)
    if HAS_BIAS:
        bias_at = bias_ptr + batch * bias_batch + rm[:, None] * bias_row + rn[None, :] * bias_column
        acc += tl.load(bias_at, mask=xmask, other=0.0)
    xindex = batch * M * N + rm[:, None] * N + rn[None, :]
%END%)py";

constexpr std::string_view kStore = "    tl.store(out_ptr + xindex, acc, mask=xmask)\n";

constexpr std::string_view kMatmulHost = R"py(

def matmul(a, b, out, bias=None, tiles=(128, 64, 32, 4, 3), kernel=matmul_kernel, more=()):
    """out = a @ b (+ bias), of matrices or batches; three tf32 products keep what fp32 has."""
    batches = a.shape[0] if a.dim() == 3 else 1
    M, K = a.shape[-2:]
    N = b.shape[-1]
    if not out.is_contiguous() or out.numel() != batches * M * N:
        raise ValueError("matmul: out is not dense")
    lift = [t if t.dim() == 3 else t.unsqueeze(0) for t in (a, b)]
    added = out if bias is None else bias.expand(out.shape)
    added = added if added.dim() == 3 else added.unsqueeze(0)
    m, n, k, warps, stages = tiles
    grid = (triton.cdiv(M, m) * triton.cdiv(N, n), batches)
    kernel[grid](
        a, b, out, added, *more, M, N, K, *lift[0].stride(), *lift[1].stride(), *added.stride(),
        HAS_BIAS=bias is not None, EVEN=K % k == 0, PRECISION="tf32x3", BLOCK_M=m, BLOCK_N=n,
        BLOCK_K=k, num_warps=warps, num_stages=stages,
    )
    return out
)py";

constexpr std::string_view kDepthwise = R"py(@triton.jit
def depthwise_conv_kernel(
    x_ptr,
    w_ptr,
    bias_ptr,
    out_ptr,
    channels,
    height,
    width,
    out_height,
    out_width,
    x_image,
    x_channel,
    x_row,
    x_column,
    o_image,
    o_channel,
    o_row,
    o_column,
    HAS_BIAS: tl.constexpr,
    KH: tl.constexpr,
    KW: tl.constexpr,
    SH: tl.constexpr,
    SW: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    DH: tl.constexpr,
    DW: tl.constexpr,
    BLOCK_P: tl.constexpr,
    BLOCK_C: tl.constexpr,
):
    places = tl.cdiv(out_height * out_width, BLOCK_P)
    bands = tl.cdiv(channels, BLOCK_C)
    image = (tl.program_id(0) // (places * bands)).to(tl.int64)
    place = (tl.program_id(0) // bands % places) * BLOCK_P + tl.arange(0, BLOCK_P)[:, None]
    channel = (tl.program_id(0) % bands) * BLOCK_C + tl.arange(0, BLOCK_C)[None, :]
    inside = (place < out_height * out_width) & (channel < channels)
    x_at = x_ptr + image * x_image + channel * x_channel
    h = place // out_width
    w = place % out_width
    row = h * SH - PH
    column = w * SW - PW
    acc = tl.zeros((BLOCK_P, BLOCK_C), dtype=tl.float32)
    for i in tl.static_range(KH):
        for j in tl.static_range(KW):
            r = row + i * DH
            c = column + j * DW
            valid = inside & (r >= 0) & (r < height) & (c >= 0) & (c < width)
            value = tl.load(x_at + r * x_row + c * x_column, mask=valid, other=0.0)
            filter = w_ptr + (channel * KH + i) * KW + j
            acc += value * tl.load(filter, mask=channel < channels, other=0.0)
    if HAS_BIAS:
        acc += tl.load(bias_ptr + channel, mask=channel < channels, other=0.0)
    out_at = out_ptr + image * o_image + channel * o_channel + h * o_row + w * o_column
    tl.store(out_at, acc, mask=inside)


def depthwise_conv(x, weight, bias, stride, padding, dilation, groups):
    """A filter of its own for each channel, along one or two axes."""
    if weight.shape[1] != 1 or not groups == weight.shape[0] == x.shape[1]:
        raise ValueError("depthwise_conv: the filters see several channels")
    flat = x.dim() == 3
    if flat:
        x, weight = x.unsqueeze(2), weight.unsqueeze(2)
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
    weight = weight.contiguous()
    images, channels, height, width = x.shape
    taps = weight.shape[2:]
    extents = [
        (n + 2 * p - d * (t - 1) - 1) // s + 1
        for n, p, d, t, s in zip(x.shape[2:], padding, dilation, taps, stride)
    ]
    last = x.stride(1) == 1 and channels > 1
    if last:
        out = torch.empty((images, *extents, channels), dtype=x.dtype, device=x.device)
        out = out.permute(0, 3, 1, 2)
    else:
        out = torch.empty((images, channels, *extents), dtype=x.dtype, device=x.device)
    p, c = (8, 128) if last else (1024, 1)  # neighbours in memory side by side
    grid = (images * triton.cdiv(extents[0] * extents[1], p) * triton.cdiv(channels, c),)
    depthwise_conv_kernel[grid](
        x, weight, weight if bias is None else bias, out, channels, height, width, *extents,
        *x.stride(), *out.stride(), HAS_BIAS=bias is not None, KH=taps[0], KW=taps[1],
        SH=stride[0], SW=stride[1], PH=padding[0], PW=padding[1], DH=dilation[0], DW=dilation[1],
        BLOCK_P=p, BLOCK_C=c, num_warps=4,
    )
    return out.squeeze(2) if flat else out
)py";

std::string Filled(std::string_view text, std::string_view name, std::string_view value) {
  std::string out(text);
  const size_t at = out.find(name);
  return out.replace(at, name.size(), value);
}

}  // namespace

std::string MatmulKernelWith(const std::string& name, const std::string& more,
                             const std::string& epilogue) {
  return Filled(Filled(Filled(kMatmulKernel, "%NAME%", name), "%MORE%", more), "%END%", epilogue);
}

std::string_view MatmulText() {
  static const std::string text =
      MatmulKernelWith("matmul_kernel", "", std::string(kStore)) + std::string(kMatmulHost);
  return text;
}

std::string_view DepthwiseConvText() { return kDepthwise; }

Brought FindBrought(const ModuleContext& module, std::string_view function, std::string_view text) {
  const size_t begin = text.find("def " + std::string(function) + "(");
  const std::string_view signature = text.substr(begin, text.find('\n', begin) - begin);
  size_t defined = 0, same = 0;
  for (Node node : module.tree().root().Subtree()) {
    if (!node.Is("function_definition") || node.Child("name").text() != function) continue;
    ++defined;
    same += node.text().substr(0, signature.size()) == signature ? 1 : 0;
  }
  if (defined == 1 && same == 1) return Brought::kThere;
  const bool taken = module.Uses(function) || module.Uses(std::string(function) + "_kernel");
  return taken ? Brought::kTaken : Brought::kMissing;
}

void AddFunctions(const ModuleContext& module, std::string_view text, TextEdits& edits) {
  std::string imports;
  const bool bare = module.source().find("import triton.language as tl") == std::string::npos;
  if (bare) imports = "import triton\nimport triton.language as tl\n\n\n";
  edits.Insert(module.BeforeCandidate(), imports + std::string(text) + "\n\n");
}

}  // namespace ks
