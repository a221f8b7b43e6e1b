"""Where the tensors of a process live: the processor's memory, or a CUDA device.

Set once, right after the fork; nothing else asks torch which device there is.
"""

from __future__ import annotations

import time
from typing import Any

import torch

CPU = "cpu"
CUDA = "cuda"

# Of the last-level cache, and where its size is not known.
FLUSH_SHARE = 2
FLUSH_BYTES = 256 << 20

# One part of so many may stay with a process that does not need it now.
MOST_KEPT = 8


class Device:
    """One device. Single thread."""

    def __init__(self, name: str = CPU) -> None:
        """Take the first device of a kind."""
        self.name = name
        self._flush: torch.Tensor | None = None

    @property
    def is_cuda(self) -> bool:
        """Whether there is device memory to hand over."""
        return self.name == CUDA

    def synchronize(self) -> None:
        """Wait until everything that was asked for is done."""
        if self.is_cuda:
            torch.cuda.synchronize()

    def free_bytes(self) -> int:
        """Return the memory that is free now; 0: not known."""
        return int(torch.cuda.mem_get_info()[0]) if self.is_cuda else 0

    def describe(self) -> dict[str, Any]:
        """Return what the driver says of it."""
        if not self.is_cuda:
            return {"name": self.name}
        from kernelsmith.modules.cuda_memory import driver_version

        found = torch.cuda.get_device_properties(0)
        return {
            "name": found.name,
            "arch": f"sm_{found.major}{found.minor}",
            "driver": driver_version(),
            "sm_count": found.multi_processor_count,
            "memory_bytes": found.total_memory,
            "l2_bytes": getattr(found, "L2_cache_size", 0),
            "threads_per_sm": getattr(found, "max_threads_per_multi_processor", 0),
        }

    def release(self) -> None:
        """Give back the memory that nothing lies in: other processes want some."""
        if self.is_cuda:
            torch.cuda.empty_cache()

    def release_much(self) -> None:
        """The same when it is a good part of the device's; giving back takes time."""
        if self.is_cuda and torch.cuda.memory_reserved() * MOST_KEPT > torch.cuda.mem_get_info()[1]:
            torch.cuda.empty_cache()

    def flush(self) -> None:
        """Push everything out of the device's caches."""
        if not self.is_cuda:
            return
        if self._flush is None:
            cache = getattr(torch.cuda.get_device_properties(0), "L2_cache_size", 0)
            size = FLUSH_SHARE * cache or FLUSH_BYTES
            self._flush = torch.empty(size, dtype=torch.uint8, device=self.name)
        self._flush.zero_()

    def event(self) -> Any:
        """Return a mark to record: an event of the device, or a point of time."""
        return torch.cuda.Event(enable_timing=True) if self.is_cuda else Instant()

    def set_precision(self, precision: str) -> None:
        """Allow TF32 where the contract does, and nowhere else."""
        torch.backends.cuda.matmul.allow_tf32 = precision != "fp32"
        torch.backends.cudnn.allow_tf32 = precision != "fp32"


class Instant:
    """A point of time with the interface of a device's event."""

    def record(self) -> None:
        """Remember now."""
        self.at = time.perf_counter_ns()

    def elapsed_time(self, later: Instant) -> float:
        """Return milliseconds."""
        return (later.at - self.at) / 1e6


_device = Device()


def use_device(name: str) -> Device:
    """Set the device of this process."""
    global _device
    _device = Device(name)
    return _device


def this_device() -> Device:
    """Return the device of this process."""
    return _device
