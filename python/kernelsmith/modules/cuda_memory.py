"""Device memory that two processes share, by the driver's interface for mapping memory.

The trusted side makes an allocation and exports a file that stands for it; a file is all that the
other side needs, and it opens this allocation and no other. Nothing else knows the driver here.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any

import torch

PINNED = 1  # CU_MEM_ALLOCATION_TYPE_PINNED
FILE = 1  # CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
ON_DEVICE = 1  # CU_MEM_LOCATION_TYPE_DEVICE
READ_WRITE = 3  # CU_MEM_ACCESS_FLAGS_PROT_READWRITE
GRANULARITY = 2 << 20
OUT_OF_MEMORY = 2


class AllocationProperties(ctypes.Structure):
    """CUmemAllocationProp."""

    _fields_ = (
        ("kind", ctypes.c_int),
        ("handle_types", ctypes.c_int),
        ("location_type", ctypes.c_int),
        ("location_id", ctypes.c_int),
        ("security", ctypes.c_void_p),
        ("flags", ctypes.c_ubyte * 8),
    )


class AccessDescription(ctypes.Structure):
    """CUmemAccessDesc."""

    _fields_ = (
        ("location_type", ctypes.c_int),
        ("location_id", ctypes.c_int),
        ("flags", ctypes.c_int),
    )


@functools.cache
def driver() -> ctypes.CDLL:
    """Return the driver's library."""
    return ctypes.CDLL("libcuda.so.1")


def call(name: str, *arguments: Any) -> None:
    """Call the driver; out of memory is said as torch says it."""
    code = getattr(driver(), name)(*arguments)
    if code == OUT_OF_MEMORY:
        raise RuntimeError(f"CUDA out of memory ({name})")
    if code != 0:
        raise RuntimeError(f"{name} gives CUDA error {code}")


def driver_version() -> str:
    """Return the newest CUDA that the driver knows, as "13.0"."""
    number = ctypes.c_int()  # 1000 major + 10 minor
    call("cuDriverGetVersion", ctypes.byref(number))
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


class CudaMemory:
    """A mapped allocation. It is unmapped with the last tensor on it."""

    def __init__(self, handle: ctypes.c_ulonglong, size: int) -> None:
        """Map an allocation that this object owns from here on."""
        self._handle, self._size = handle, size
        self._address = ctypes.c_ulonglong()
        torch.cuda.current_stream()  # makes the context
        none = ctypes.c_ulonglong(0)
        length, align = ctypes.c_size_t(size), ctypes.c_size_t(0)
        call("cuMemAddressReserve", ctypes.byref(self._address), length, align, none, none)
        call("cuMemMap", self._address, length, ctypes.c_size_t(0), handle, none)
        access = AccessDescription(ON_DEVICE, 0, READ_WRITE)
        call("cuMemSetAccess", self._address, length, ctypes.byref(access), ctypes.c_size_t(1))

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Describe the bytes, so that a tensor on them keeps this object alive."""
        address = self._address.value
        return {"shape": (self._size,), "typestr": "|u1", "data": (address, False), "version": 3}

    def __del__(self) -> None:
        """Give it back when nothing runs on it any more."""
        length = ctypes.c_size_t(self._size)
        steps: list[tuple[str, tuple[Any, ...]]] = [("cuCtxSynchronize", ())]
        if self._address.value:  # none: there was no room, even for the address
            steps.append(("cuMemUnmap", (self._address, length)))
            steps.append(("cuMemAddressFree", (self._address, length)))
        for name, arguments in [*steps, ("cuMemRelease", (self._handle,))]:
            getattr(driver(), name)(*arguments)


def rounded(size: int) -> int:
    """Return what an allocation of `size` bytes takes."""
    return -(-max(size, 1) // GRANULARITY) * GRANULARITY


def bytes_of(memory: CudaMemory) -> torch.Tensor:
    """Return all its bytes as a tensor."""
    return torch.as_tensor(memory, device="cuda")


def create(size: int) -> tuple[torch.Tensor, int]:
    """Return the bytes of a new allocation and the file that stands for it."""
    torch.cuda.init()
    torch.cuda.synchronize()  # the context is there
    properties = AllocationProperties(PINNED, FILE, ON_DEVICE, 0, None, (ctypes.c_ubyte * 8)())
    handle, file = ctypes.c_ulonglong(), ctypes.c_int()
    length, none = ctypes.c_size_t(rounded(size)), ctypes.c_ulonglong(0)
    if torch.cuda.mem_get_info()[0] < 2 * size:
        torch.cuda.empty_cache()
    call("cuMemCreate", ctypes.byref(handle), length, ctypes.byref(properties), none)
    everything = bytes_of(CudaMemory(handle, rounded(size)))
    call("cuMemExportToShareableHandle", ctypes.byref(file), handle, FILE, none)
    return everything, file.value


def open_file(descriptor: int, size: int) -> torch.Tensor:
    """Return the bytes of an allocation that another process made."""
    torch.cuda.init()
    torch.cuda.synchronize()
    handle = ctypes.c_ulonglong()
    call(
        "cuMemImportFromShareableHandle",
        ctypes.byref(handle),
        ctypes.c_void_p(descriptor),
        FILE,
    )
    return bytes_of(CudaMemory(handle, rounded(size)))
