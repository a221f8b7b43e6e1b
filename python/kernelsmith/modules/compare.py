"""When an output agrees with the oracle.

A floating-point output passes when every element is as near to the fp64 result as FACTOR times the
farthest element of the reference in the declared precision, or within the precision's own step of
max(|want|, rms(want)), with a cap of MOST_STEPS; and when the same holds for the whole in the
Euclidean norm. So the allowance follows the problem, and zeros, constants or a lower precision do
not pass. Infinities and NaN must be where the reference has them. Integers and truth values must be
equal.
"""

from __future__ import annotations

from typing import Any

import torch

FACTOR = 10.0
# No reference, however inexact, allows more steps than this.
MOST_STEPS = 100.0
# Of a value or of the output's root mean square, whichever is more.
STEPS = {"fp32": 1e-5, "tf32": 1e-3, "fp16": 4e-3, "bf16": 2e-2}


def root_mean_square(values: torch.Tensor) -> float:
    """Return the root mean square of the finite values."""
    finite = values[torch.isfinite(values)]
    return float(finite.square().mean().sqrt()) if finite.numel() else 0.0


def report(
    index: int, got: float, want: float, allowed: float, wrong: int, got_all: torch.Tensor
) -> dict[str, Any]:
    """Return the first wrong element as an answer; NaN and infinities as text."""

    def number(value: float) -> float | str:
        return value if abs(value) < float("inf") else str(value)

    return {
        "index": index,
        "got": number(got),
        "want": number(want),
        "allowed": number(allowed),
        "mismatches": wrong,
        "elements": got_all.numel(),
    }


def compare_exactly(got: torch.Tensor, want: torch.Tensor) -> dict[str, Any] | None:
    """Compare integers or truth values."""
    wrong = (got != want).flatten()
    if not bool(wrong.any()):
        return None
    index = int(wrong.to(torch.uint8).argmax())
    first = float(got.flatten()[index]), float(want.flatten()[index])
    return {**report(index, *first, 0.0, int(wrong.sum()), got), "max_error": 0.0}


def worst_error(plain: torch.Tensor, want: torch.Tensor) -> float:
    """Return how far the declared precision lies from the exact result, at worst."""
    if not want.is_floating_point() or want.numel() == 0:
        return 0.0
    error = (plain.double() - want.double()).abs()
    return float(torch.where(torch.isfinite(error), error, 0.0).max())


def is_near(got: torch.Tensor, want: torch.Tensor, step: float) -> bool:
    """Whether no element is off by more than the step of the output's root mean square.

    That is the least that `compare` allows each, and implies what it asks of the whole. A NaN or an
    infinity on either side is not near.
    """
    largest = torch.linalg.vector_norm(got - want, float("inf"), dtype=torch.float64)
    norm = torch.linalg.vector_norm(want, dtype=torch.float64)
    return bool((largest <= step * norm / want.numel() ** 0.5) & norm.isfinite())


def compare(
    got: torch.Tensor,
    want: torch.Tensor,
    reference: torch.Tensor,
    precision: str,
    known_error: float = 0.0,
) -> dict[str, Any] | None:
    """Return None when `got` agrees with `want` (fp64), else the first wrong element.

    `reference` is the result in the declared precision. Where it is given as `want` too, for want
    of time, `known_error` says how far such results lie from exact ones: both may be off by that.
    """
    if not want.is_floating_point():
        return compare_exactly(got, want)
    if got.numel() == 0:
        return None
    step = STEPS[precision]
    if is_near(got, want, step):
        return None
    got64, want64 = got.double().flatten(), want.double().flatten()
    finite = torch.isfinite(want64)
    same = (got64 == want64) | (got64.isnan() & want64.isnan())
    error = (got64 - want64).abs()
    reference_error = (reference.double().flatten() - want64).abs()
    reference_error = torch.where(torch.isfinite(reference_error), reference_error, 0.0)
    reference_error = reference_error + 2 * known_error
    scale = want64.abs().clamp(min=root_mean_square(want64))
    most = torch.minimum(FACTOR * reference_error.max(), MOST_STEPS * step * scale)
    allowed = torch.maximum(step * scale, most)
    passes = torch.where(finite, error <= allowed, same)  # a NaN passes no comparison
    if not bool(passes.all()):
        index = int((~passes).to(torch.uint8).argmax())
        known = error[torch.isfinite(error)]
        first = float(got64[index]), float(want64[index]), float(allowed[index])
        found = report(index, *first, int((~passes).sum()), got64)
        return {**found, "max_error": float(known.max()) if known.numel() else 0.0}
    error = error[finite]
    norm = float(want64[finite].norm())
    most_norm = min(FACTOR * float(reference_error[finite].norm()), MOST_STEPS * step * norm)
    norm_allowed = max(step * norm, most_norm)
    if float(error.norm()) > norm_allowed:
        index = int((got64 - want64).abs().nan_to_num().argmax())
        each = norm_allowed / max(got64.numel(), 1) ** 0.5
        first = float(got64[index]), float(want64[index]), each
        found = report(index, *first, int((error > each).sum()), got64)
        return {**found, "max_error": float(error.max())}
    return None
