from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton is not installed")

from kernelsmith.compiler import compile_request, count_parameters
from kernelsmith.messages import FAILED, OK, Argument, Job, Reply, Request

SOURCE = """import triton
import triton.language as tl


@triton.jit
def scale(x, y, n, step, BLOCK: tl.constexpr, TWICE: tl.constexpr = 2):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y + at * step, tl.load(x + at * step, mask=at < n) * TWICE, mask=at < n)
"""
POINTER = Argument("*fp32", True, False)


def run(
    path: Path, source: str = SOURCE, *, aligned: bool = True, kernel: str = "scale", count: int = 4
) -> Reply:
    arguments = [POINTER, POINTER, Argument("i32", aligned, False), Argument("i32", False, True)]
    job = Job(kernel, arguments[:count], {"BLOCK": 1024}, 4, 3, 0)
    request = Request(source, "cuda", "90", 32, 30, 0, 1, [job])
    return compile_request(request, str(path / "kernel.py"))


def test_compiles_to_an_object_with_its_needs(tmp_path: Path) -> None:
    reply = run(tmp_path)
    assert reply.status == OK, reply.log
    kernel = reply.kernels[0]
    assert kernel.image.startswith(b"\x7fELF")
    assert kernel.symbol == "scale"
    assert kernel.threads == 128
    assert kernel.dropped == [3]
    assert kernel.parameters == kernel.assembly.split(")")[0].count(".param")
    assert ".v4" in kernel.assembly


def test_alignment_of_numbers_decides_vector_loads(tmp_path: Path) -> None:
    reply = run(tmp_path, aligned=False)
    assert reply.status == OK, reply.log
    assert "ld.global.v4" not in reply.kernels[0].assembly


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        (SOURCE.replace("tl.load(x", "tl.load(nonsense"), 8, "nonsense"),
        (SOURCE + "\nraise ValueError('at import')\n", 10, "at import"),
        (SOURCE + "\n)", 10, "SyntaxError"),
        (SOURCE + "\nimport sys\nsys.exit(3)\n", 11, "SystemExit"),
    ],
)
def test_places_errors_in_the_source(tmp_path: Path, source: str, line: int, text: str) -> None:
    reply = run(tmp_path, source)
    assert reply.status == FAILED
    assert reply.line == line, reply.log
    assert text in reply.message


def test_says_what_a_launch_lacks(tmp_path: Path) -> None:
    assert "takes 4 arguments, the launch passes 3" in run(tmp_path, count=3).message
    assert "no kernel 'scal'" in run(tmp_path, kernel="scal").message
    missing = run(tmp_path, SOURCE.replace("BLOCK", "TILE"))
    assert "# ksmith: const TILE" in missing.message


def test_counts_parameters_of_llvm_ir() -> None:
    text = "define ptx_kernel void @k(ptr addrspace(1) %0, i32 %1, [2 x i32] %2) local_unnamed {"
    assert count_parameters(text, "k") == 3


def test_compiles_jobs_side_by_side_as_one_after_the_other(tmp_path: Path) -> None:
    def reply(parallel: int) -> Reply:
        step = Argument("i32", False, False)
        jobs = [
            Job("scale", [POINTER, POINTER, step, step], {"BLOCK": block}, 4, 3, 0)
            for block in (256, 512, 1024)
        ]
        request = Request(SOURCE, "cuda", "90", 32, 30, 0, parallel, jobs)
        return compile_request(request, str(tmp_path / "kernel.py"))

    one, two, many = reply(1), reply(2), reply(8)
    assert one.status == OK, one.log
    assert len({kernel.image for kernel in one.kernels}) == 3
    assert two == one
    assert many == one
