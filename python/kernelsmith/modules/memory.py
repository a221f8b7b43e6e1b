"""Tensors in memory that two processes share, and where each lies.

On the CPU that is a sealed file in memory, on a CUDA device an allocation that a file stands for
(cuda_memory.py); nothing outside these two files knows which.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from dataclasses import dataclass
from typing import Any

import torch

from kernelsmith.modules.device import this_device

ALIGNMENT = 256
POISON = 0xA5

DTYPES: dict[str, torch.dtype] = {
    "f64": torch.float64,
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i64": torch.int64,
    "i32": torch.int32,
    "i16": torch.int16,
    "i8": torch.int8,
    "u8": torch.uint8,
    "bool": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Place:
    """A dense tensor at an offset of the shared memory."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def elements(self) -> int:
        """The number of elements."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count

    @property
    def size(self) -> int:
        """The bytes it takes."""
        return self.elements * DTYPES[self.dtype].itemsize

    def to_json(self) -> dict[str, Any]:
        """Return it as a message says it."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "offset": self.offset,
        }


def place_from_json(message: dict[str, Any]) -> Place:
    """Return what a message says."""
    shape = tuple(int(extent) for extent in message["shape"])
    return Place(message["name"], message["dtype"], shape, int(message["offset"]))


class Planner:
    """Gives tensors their places, one behind the other."""

    def __init__(self) -> None:
        """Begin at the front."""
        self.end = 0

    def add(self, name: str, dtype: torch.dtype, shape: tuple[int, ...]) -> Place:
        """Return the place of the next tensor."""
        place = Place(name, NAMES[dtype], tuple(shape), self.end)
        self.end += -(-max(place.size, 1) // ALIGNMENT) * ALIGNMENT
        return place


SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class SharedMemory:
    """The memory of one message; tensors on it stay valid while one of them lives."""

    def __init__(self, everything: torch.Tensor) -> None:
        """Take over all its bytes; see create_memory and open_memory."""
        self._bytes = everything

    def tensor(self, place: Place) -> torch.Tensor:
        """Return the tensor that lies at `place`: a view, not a copy."""
        dtype = DTYPES[place.dtype]
        if place.elements == 0:
            return torch.empty(place.shape, dtype=dtype, device=self._bytes.device)
        part = self._bytes[place.offset : place.offset + place.size]
        return part.view(dtype).view(place.shape)

    def write(self, place: Place, value: torch.Tensor) -> None:
        """Copy `value` to its place."""
        if place.elements > 0:
            self.tensor(place).copy_(value)

    def poison(self, place: Place) -> None:
        """Fill a place so that what nobody writes is seen."""
        if place.elements == 0:
            return
        tensor = self.tensor(place)
        if tensor.dtype.is_floating_point:
            tensor.fill_(float("nan"))
        elif tensor.dtype is torch.bool:
            tensor.fill_(False)
        else:
            tensor.view(torch.uint8).fill_(POISON)


def create_memory(size: int) -> tuple[SharedMemory, int]:
    """Return new memory of this process's device, and the file to hand over."""
    if this_device().is_cuda:
        from kernelsmith.modules import cuda_memory

        everything, descriptor = cuda_memory.create(size)
        return SharedMemory(everything), descriptor
    descriptor = create_file("ksmith-module", max(size, 1))
    try:
        return SharedMemory(map_file(descriptor, size)), descriptor
    except BaseException:
        os.close(descriptor)
        raise


def create_file(name: str, size: int) -> int:
    """Return a file in memory whose size nobody can change."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def open_memory(descriptor: int, size: int) -> SharedMemory:
    """Return the memory that a file from the other side stands for."""
    if this_device().is_cuda:
        from kernelsmith.modules import cuda_memory

        return SharedMemory(cuda_memory.open_file(descriptor, size))
    return SharedMemory(map_file(descriptor, size))


def map_file(descriptor: int, size: int) -> torch.Tensor:
    """Return the bytes of a file; they stay mapped while a tensor on them lives."""
    return torch.frombuffer(mmap.mmap(descriptor, max(size, 1)), dtype=torch.uint8)
