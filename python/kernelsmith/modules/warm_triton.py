"""Brings Triton's compiler and its stubs for the driver into a process, without the driver."""

from __future__ import annotations

import contextlib
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernelsmith.warm_kernel import warm as kernel

TARGET = GPUTarget("cuda", 90, 32)


def compile_kernel() -> Any:
    """Compile a kernel of our own."""
    signature = {"x": "*fp32", "y": "*fp32", "n": "i32", "BLOCK": "constexpr"}
    return triton.compile(
        ASTSource(fn=kernel, signature=signature, constexprs={"BLOCK": 128}), target=TARGET
    )


def warm() -> None:
    """Do it; what cannot be done here shows where it is needed."""
    with contextlib.suppress(Exception):
        compile_kernel()
    with contextlib.suppress(Exception):
        from triton.backends.nvidia.driver import CudaUtils

        CudaUtils()  # compiles and loads its stub once; children inherit it
