#include "propose/torch/module_text.h"

namespace ks {
namespace {

constexpr std::string_view kHead = R"py(@triton.jit
def %NAME%(
    q_ptr,
    k_ptr,
    v_ptr,
    out_ptr,
%MORE%    M,
    N,
    q_batch,
    q_row,
    q_column,
    k_batch,
    k_row,
    k_column,
    v_batch,
    v_row,
    v_column,
    D: tl.constexpr,
    DV: tl.constexpr,
    PRECISION: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
):
    batch = (tl.program_id(0) // tl.cdiv(M, BLOCK_M)).to(tl.int64)
    rows = (tl.program_id(0) % tl.cdiv(M, BLOCK_M)) * BLOCK_M + tl.arange(0, BLOCK_M)
    safe = (rows % M)[:, None]
    xindex = batch * M + safe
    columns = tl.arange(0, BLOCK_N)[None, :]
    depth = tl.arange(0, D)
    wide = tl.arange(0, DV)
    q = tl.load(q_ptr + batch * q_batch + safe * q_row + depth[None, :] * q_column)
    k_at = k_ptr + batch * k_batch + depth[:, None] * k_row + columns * k_column
    v_at = v_ptr + batch * v_batch + tl.arange(0, BLOCK_N)[:, None] * v_row + wide[None, :] * v_column
    best = tl.full((BLOCK_M, 1), float("-inf"), tl.float32)
    total = tl.zeros((BLOCK_M, 1), tl.float32)
    acc = tl.zeros((BLOCK_M, DV), tl.float32)
%ROW%    for start in range(0, N, BLOCK_N):
        r0_index = start + columns
        score = tl.dot(q, tl.load(k_at), input_precision=PRECISION)
%SCORE%        new_best = tl.maximum(best, tl.max(%Z%, 1)[:, None])
        finite = tl.where(new_best == float("-inf"), 0.0, new_best)
%WEIGHT%        kept = tl.where(best == float("-inf"), 0.0, tl.exp(%KEPT%))
        total = total * kept + tl.sum(weight, 1)[:, None]
        acc = tl.dot(weight, tl.load(v_at), acc * kept, input_precision=PRECISION)
        best = new_best
        k_at += BLOCK_N * k_column
        v_at += BLOCK_N * v_row
    place = out_ptr + (batch * M + rows[:, None]) * DV + wide[None, :]
    tl.store(place, acc / total, mask=rows[:, None] < M)
)py";

constexpr std::string_view kHost = R"py(

def attention(q, k, v, out, kernel, more=(), tiles=(64, 64, 4, 2)):
    """out = weights(q @ k) @ v, of batches; the kernel makes weights of scores, tile by tile."""
    batches, M, D = q.shape
    N, DV = k.shape[-1], v.shape[-1]
    m, n, warps, stages = tiles
    powers = all(size & (size - 1) == 0 and 16 <= size <= 256 for size in (D, DV))
    if not powers or N % n or not out.is_contiguous() or out.numel() != batches * M * DV:
        raise ValueError("attention: the kernel is not for these sizes")
    kernel[(batches * triton.cdiv(M, m),)](
        q, k, v, out, *more, M, N, *q.stride(), *k.stride(), *v.stride(), D=D, DV=DV,
        PRECISION="tf32x3", BLOCK_M=m, BLOCK_N=n, num_warps=warps, num_stages=stages,
    )
    return out
)py";

}  // namespace

std::string AttentionKernelWith(const AttentionParts& parts) {
  std::string text(kHead);
  const std::pair<std::string_view, const std::string*> fields[] = {
      {"%NAME%", &parts.name},   {"%MORE%", &parts.more}, {"%ROW%", &parts.row},
      {"%SCORE%", &parts.score}, {"%Z%", &parts.z},       {"%WEIGHT%", &parts.weight},
      {"%KEPT%", &parts.kept}};
  for (const auto& [field, value] : fields) text.replace(text.find(field), field.size(), *value);
  return text;
}

std::string_view AttentionText() { return kHost; }

}  // namespace ks
