"""Takes what a candidate's forward gave to where it is looked for.

The checks here run in the candidate's own interpreter and give an early and clear answer; what is
judged are the bytes in the shared memory.
"""

from __future__ import annotations

from typing import Any

import torch

from kernelsmith.modules.device import this_device
from kernelsmith.modules.memory import DTYPES, Place, SharedMemory
from kernelsmith.modules.source import Problem


def overlaps(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two tensors share memory."""
    if left.numel() == 0 or right.numel() == 0:
        return False
    a, b = left.untyped_storage(), right.untyped_storage()
    return a.data_ptr() < b.data_ptr() + b.nbytes() and b.data_ptr() < a.data_ptr() + a.nbytes()


def flatten(result: Any) -> list[Any]:
    """Return the parts of a result."""
    if isinstance(result, tuple | list):
        return [tensor for part in result for tensor in flatten(part)]
    return [result]


def check_output(output: Any, place: Place, known: list[torch.Tensor]) -> None:
    """Refuse an output that is not plain, fresh memory of the right form."""
    name = place.name
    if type(output) is not torch.Tensor:
        kind = type(output).__name__
        raise Problem("output_type", f"{name} is a {kind}; it must be a plain torch.Tensor")
    if output.__dict__:
        extra = ", ".join(sorted(output.__dict__))
        raise Problem("output_type", f"{name} has attributes of its own: {extra}")
    strided = output.layout is torch.strided and not output.is_quantized
    if not strided or output.device.type != this_device().name:
        raise Problem("output_type", f"{name} is not dense memory of this device")
    if list(output.shape) != list(place.shape):
        want, got = list(place.shape), list(output.shape)
        raise Problem("output_form", f"{name} has the shape {got}; {want} is wanted")
    wanted = DTYPES[place.dtype]
    if output.dtype is not wanted:
        raise Problem("output_form", f"{name} is {output.dtype}; {wanted} is wanted")
    if any(overlaps(output, other) for other in known):
        raise Problem("output_alias", f"{name} shares memory with an input or an earlier output")


def answer_into(
    memory: SharedMemory, places: list[Place], result: Any, known: list[torch.Tensor]
) -> list[torch.Tensor]:
    """Copy a result to its places, when it is what is wanted; return its tensors."""
    outputs = flatten(result)
    if len(outputs) != len(places):
        raise Problem("output_form", f"{len(outputs)} outputs; {len(places)} are wanted")
    known = list(known)
    for output, place in zip(outputs, places, strict=True):
        check_output(output, place, known)
        memory.write(place, output)
        known.append(output)
    return outputs
