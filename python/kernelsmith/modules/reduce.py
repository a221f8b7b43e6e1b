"""Smaller sizes for a module on a small machine, when the file names none itself.

Free axes are the file's integer constants that get_inputs reads and get_init_inputs does not: batch
and spatial extents that no weight depends on. The largest of them is halved until the inputs fit.
"""

from __future__ import annotations

import contextlib
import os
import types
from typing import Any

import torch

from kernelsmith.modules.device import this_device
from kernelsmith.modules.model import Reference, Value
from kernelsmith.modules.source import Problem, reductions_of

SMALL_BYTES = 4 << 20
LEAST_EXTENT = 2

Sizes = dict[str, Any]


def names_in(function: Any) -> set[str]:
    """Return the global names that a function reads, its inner functions included."""
    pending, names = [function.__code__], set()
    while pending:
        code = pending.pop()
        names.update(code.co_names)
        pending += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return names


def free_axes(reference: Reference) -> list[str]:
    """Return the names of free axes in the order of the file."""
    space = reference.space
    free = names_in(space["get_inputs"]) - names_in(space["get_init_inputs"])

    def is_size(value: Any) -> bool:
        if isinstance(value, tuple) and value:
            return all(is_size(part) for part in value)
        return isinstance(value, int) and not isinstance(value, bool) and value > 0

    return [name for name, value in space.items() if name in free and is_size(value)]


def bytes_of(inputs: list[Value]) -> int:
    """Return how much memory inputs take."""
    return sum(v.numel() * v.itemsize for v in inputs if isinstance(v, torch.Tensor))


def input_bytes(reference: Reference) -> int | None:
    """Return the size of the inputs; None: they do not say.

    On the processor they are not made. A device has room for most, and there it is quicker than
    what torch has to load for tensors without memory.
    """
    if this_device().is_cuda:
        with contextlib.suppress(Problem):
            return bytes_of(reference.new_inputs(1))
    # Distributions look at their arguments' values, and tensors without memory have none. Some of
    # their samplers load parts of torch that want to know a folder for caches; there is none here.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", "/")
    validates = torch.distributions.Distribution._validate_args
    torch.distributions.Distribution.set_default_validate_args(False)
    try:
        with torch.device("meta"):
            inputs = reference.space["get_inputs"]()
        return bytes_of(inputs)
    except Exception:
        return None
    finally:
        torch.distributions.Distribution.set_default_validate_args(validates)


def halve_largest(sizes: Sizes) -> bool:
    """Halve the largest extent; False: all are as small as they get."""
    best: tuple[int, str, int] | None = None
    for name, value in sizes.items():
        for index, extent in enumerate(value if isinstance(value, tuple) else (value,)):
            if extent > LEAST_EXTENT and (best is None or extent > best[0]):
                best = (extent, name, index)
    if best is None:
        return False
    extent, name, index = best
    half = max(LEAST_EXTENT, extent // 2)
    if isinstance(sizes[name], tuple):
        sizes[name] = (*sizes[name][:index], half, *sizes[name][index + 1 :])
    else:
        sizes[name] = half
    return True


def shrink(reference: Reference, names: list[str]) -> Sizes:
    """Return sizes of the named axes with which the inputs are small; leaves them set."""
    sizes = {name: reference.space[name] for name in names}
    while (size := input_bytes(reference)) is not None and size > SMALL_BYTES:
        if not halve_largest(sizes):
            break
        reference.set_sizes(sizes)
    return sizes


def runs(reference: Reference) -> bool:
    """Whether the module works with the sizes as they are."""
    try:
        reference.run(reference.new_model(1), reference.new_inputs(1))
    except Problem:
        return False
    return True


def choose_sizes(reference: Reference, memory_bytes: int, want_full: bool) -> dict[str, Any]:
    """Set the sizes to judge with; return {workload, full_bytes, sizes, note}."""
    full = input_bytes(reference)
    # Weights, private copies, the fp64 oracle with its intermediates, and the candidate's own.
    fits = full is not None and full * 12 <= memory_bytes
    own = reductions_of(reference.space)
    answer: dict[str, Any] = {"workload": "full", "full_bytes": full, "sizes": {}, "note": ""}
    small = full is not None and full <= SMALL_BYTES
    if (want_full and fits) or (small and not own):
        return answer
    why = "" if not want_full else f"no memory for the full inputs ({full} bytes); "
    if own:
        reference.set_sizes(own)
        note = f"{why}the file's own reduced sizes"
        return {**answer, "workload": "reduced", "sizes": dict(own), "note": note}
    axes = free_axes(reference)
    before = {name: reference.space[name] for name in axes}
    for names in (axes, axes[:1]):
        if not names:
            continue
        sizes = shrink(reference, names)
        if runs(reference):
            note = f"{why}free axes halved until the inputs are small"
            return {**answer, "workload": "scaled", "sizes": sizes, "note": note}
        reference.set_sizes(before)
    if fits:
        return {**answer, "note": f"{why}no axis can be reduced"}
    raise Problem(
        "memory",
        f"no memory for the inputs ({full} bytes) and no axis can be reduced; "
        "add REDUCED = {...} with smaller sizes to the file",
    )
