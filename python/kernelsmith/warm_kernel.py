"""A kernel that touches most of the compiler: loads, masks, a reduction, exponentials."""

import triton
import triton.language as tl


@triton.jit
def warm(x, y, n, BLOCK: tl.constexpr):  # noqa: ANN001, ANN201
    """Write a softmax of each row."""
    at = tl.arange(0, BLOCK)
    value = tl.load(x + tl.program_id(0) * n + at, mask=at < n, other=-float("inf"))
    power = tl.exp(value - tl.max(value, 0))
    tl.store(y + tl.program_id(0) * n + at, power / tl.sum(power, 0), mask=at < n)
