#!/usr/bin/env python3
"""Throughput of the Triton worker (python/kernelsmith), without a device and outside the sandbox.

  bench/triton_compile.py --python build/venv/bin/python --workers 1 2 --out triton_compile.json

Candidates are those of bin/device_bench (swish; block, warps and unrolled items differ) and tiled
matrix products. `jobs 3`: a kernel for aligned, odd and one-element sizes; `jobs 2`: the last two
are one, as the program asks since JobsOf merges what only checks need. Prints one line a setting
and writes them as JSON: candidates a second (wall), and seconds of CPU time a candidate."""
import argparse
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PACKAGE = pathlib.Path(__file__).resolve().parent.parent / "python"
sys.path.insert(0, str(PACKAGE))

from kernelsmith.wire import Reader, Writer  # noqa: E402

SWISH = """import triton
import triton.language as tl


@triton.jit
def swish(x, y, n, BLOCK: tl.constexpr, ITEMS: tl.constexpr):
    first = tl.program_id(0) * BLOCK * ITEMS
    for item in tl.static_range(ITEMS):
        at = first + item * BLOCK + tl.arange(0, BLOCK)
        v = tl.load(x + at, mask=at < n)
        tl.store(y + at, v / (1.0 + tl.exp(-v)) + {number} * 1e-30, mask=at < n)
"""
MATMUL = """import triton
import triton.language as tl


@triton.jit
def matmul(a, b, c, n, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), dtype=tl.float32)
    for start in range(0, n, BK):
        p = start + tl.arange(0, BK)
        left = tl.load(a + i[:, None] * n + p[None, :], mask=p[None, :] < n, other=0.0)
        right = tl.load(b + p[:, None] * n + j[None, :], mask=p[:, None] < n, other=0.0)
        total = tl.dot(left, right, total)
    total += {number} * 1e-30
    tl.store(c + i[:, None] * n + j[None, :], total, mask=(i[:, None] < n) & (j[None, :] < n))
"""


def candidate(kind: str, number: int) -> tuple[str, int, dict[str, int], int]:
    """Source, pointers, constants, warps."""
    if kind == "swish":
        constants = {"BLOCK": 128 << number % 4, "ITEMS": 1 + number // 32 % 16}
        return SWISH.replace("{number}", str(number)), 2, constants, 1 << number // 4 % 4
    constants = {"BM": 32 << number % 3, "BN": 32 << number // 3 % 3, "BK": 32}
    return MATMUL.replace("{number}", str(number)), 3, constants, 4 << number // 9 % 2


def request(kind: str, number: int, jobs: int, parallel: int) -> bytes:
    source, pointers, constants, warps = candidate(kind, number)
    writer = Writer()
    for text in (source, "cuda", "90"):
        writer.text(text)
    writer.number(32, "i")
    writer.number(120.0, "d")
    writer.number(0, "q")
    writer.number(parallel, "i")

    def job(properties: tuple[bool, bool]) -> None:
        writer.text(kind)
        writer.number(pointers + 1, "I")
        for index in range(pointers + 1):
            writer.text("*fp32" if index < pointers else "i32")
            writer.number(properties[0] or index < pointers, "B")
            writer.number(properties[1] and index == pointers, "B")
        writer.number(len(constants), "I")
        for name, value in constants.items():
            writer.text(name)
            writer.number(value, "q")
        for value in (warps, 3, 0):
            writer.number(value, "i")

    writer.list([(True, False), (False, False), (False, True)][:jobs], job)
    return writer.take()


class Worker:
    """One warm process, as src/backend/compile/worker_pool.cc holds it."""

    def __init__(self, python: str, folder: str) -> None:
        self.socket, theirs = socket.socketpair()
        script = (f"import os, sys; os.dup2({theirs.fileno()}, 3); sys.path.insert(0, {str(PACKAGE)!r}); "
                  f"from kernelsmith import worker; worker.FOLDER = {folder!r}; "
                  "worker.main('cuda', '90', 32)")
        environment = {"LC_ALL": "C.UTF-8", "HOME": folder, "TMPDIR": folder, "PYTHONHASHSEED": "0",
                       "TRITON_CACHE_DIR": folder + "/cache", "TRITON_HOME": folder,
                       "TRITON_DISABLE_LINE_INFO": "1", "PATH": "/usr/bin:/bin"}
        self.process = subprocess.Popen([python, "-I", "-B", "-c", script], env=environment,
                                        pass_fds=[theirs.fileno()])
        theirs.close()
        greeting = self.receive()
        if not greeting.startswith(b"+"):
            raise SystemExit(f"the worker cannot work: {greeting.decode()}")

    def receive(self) -> bytes:
        def exactly(size: int) -> bytes:
            data = b""
            while len(data) < size:
                part = self.socket.recv(size - len(data))
                if not part:
                    raise SystemExit("the worker has ended")
                data += part
            return data

        return exactly(struct.unpack("<Q", exactly(8))[0])

    def ask(self, message: bytes) -> None:
        self.socket.sendall(struct.pack("<Q", len(message)) + message)
        reader = Reader(self.receive())
        if reader.number("B") != 0:
            reader.number("i"), reader.number("i")
            raise SystemExit(f"a candidate did not compile: {reader.text()}")

    def cpu_s(self) -> float:
        """CPU time of the process and of the children that it waited for."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self.socket.close()
        self.process.wait()


def measure(python: str, folder: str, kind: str, workers: int, jobs: int, parallel: int, count: int) -> dict:
    folders = [f"{folder}/{index}" for index in range(workers)]
    for path in folders:
        os.makedirs(path)
    warm = [Worker(python, path) for path in folders]
    before = sum(worker.cpu_s() for worker in warm)
    numbers = iter([37 * index % 500 for index in range(count)])  # all blocks, warps and items
    lock = threading.Lock()
    done = []

    def run(worker: Worker) -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            begin = time.perf_counter()
            worker.ask(request(kind, number, jobs, parallel))
            done.append(time.perf_counter() - begin)

    begin = time.perf_counter()
    threads = [threading.Thread(target=run, args=(worker,)) for worker in warm]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - begin
    cpu = sum(worker.cpu_s() for worker in warm) - before
    for worker in warm:
        worker.end()
    for path in folders:
        shutil.rmtree(path)
    done.sort()
    return {"kernel": kind, "workers": workers, "jobs": jobs, "parallel": parallel, "candidates": len(done),
            "per_s": round(len(done) / wall, 2), "median_ms": round(1000 * done[len(done) // 2], 1),
            "cpu_s_per_candidate": round(cpu / len(done), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python that has Triton")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kernels", nargs="+", default=["swish", "matmul"], choices=["swish", "matmul"])
    parser.add_argument("--jobs", type=int, nargs="+", default=[3, 2])
    parser.add_argument("--parallel", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--candidates", type=int, default=40)
    parser.add_argument("--out", help="a file for the JSON")
    options = parser.parse_args()
    rows = []
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for kind in options.kernels:
            for workers in options.workers:
                for jobs in options.jobs:
                    for parallel in options.parallel:
                        row = measure(options.python, folder, kind, workers, jobs, parallel, options.candidates)
                        print(json.dumps(row), flush=True)
                        rows.append(row)
    if options.out:
        pathlib.Path(options.out).write_text(json.dumps({"load": os.getloadavg(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
