"""A warm Triton that compiles one request after the other, each in a forked child.

Runs as the first process of a sandbox: no device, no network, a private /tmp. Messages on
descriptor 3: 8 bytes of length, then the bytes. The parent never executes a candidate's code.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import struct
import sys
import time

from kernelsmith.messages import DIED, TIMED_OUT, Reply, read_request, write_reply

SOCKET = 3
FOLDER = "/tmp"
PR_SET_DUMPABLE = 4
MAX_REPLY_BYTES = 200 << 20


def read_exactly(descriptor: int, size: int) -> bytes | None:
    """Read `size` bytes; None: the other side has gone."""
    parts = []
    while size > 0:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_message(descriptor: int) -> bytes | None:
    """Read one message."""
    head = read_exactly(descriptor, 8)
    return None if head is None else read_exactly(descriptor, struct.unpack("<Q", head)[0])


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_message(descriptor: int, message: bytes) -> None:
    """Write one message."""
    write_all(descriptor, struct.pack("<Q", len(message)) + message)


def clear_folder() -> None:
    """Remove what a candidate may have left."""
    for entry in os.scandir(FOLDER):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)


def end_children(everyone: bool) -> None:
    """Kill and reap every process that a candidate may have started."""
    if everyone:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # all but the first process of the namespace: this one
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def run_child(message: bytes, pipe: int) -> None:
    """Compile in this process, which ends after it."""
    from kernelsmith.compiler import compile_request

    request = read_request(message)
    os.close(SOCKET)
    silent = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(silent, descriptor)
    os.close(silent)
    if request.memory_bytes > 0:
        limit = request.memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    folder = os.path.join(FOLDER, "candidate")
    os.mkdir(folder)
    reply = compile_request(request, os.path.join(folder, "kernel.py"))
    write_message(pipe, write_reply(reply))
    os._exit(0)


def collect(pipe: int, timeout_s: float) -> tuple[bytes, bool]:
    """Read a message that the child writes: (message, late). Empty: it ended without one."""
    deadline = time.monotonic() + timeout_s
    data = b""
    wanted = 8
    while len(data) < wanted:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return b"", True
        part = os.read(pipe, min(wanted - len(data), 1 << 20))
        if not part:
            return b"", False
        data += part
        if len(data) == 8:
            wanted = 8 + min(struct.unpack("<Q", data)[0], MAX_REPLY_BYTES)
    return data[8:], False


def serve_one(message: bytes) -> bytes:
    """Compile one request in a child and return the reply."""
    timeout_s = read_request(message).timeout_s
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            run_child(message, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    reply, late = collect(read_end, timeout_s)
    os.close(read_end)
    if late:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    end_children(everyone=os.getpid() == 1)
    clear_folder()
    if late:
        return write_reply(Reply(TIMED_OUT, message=f"no result after {timeout_s:.3g} s"))
    if not reply:
        reason = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "no result"
        return write_reply(Reply(DIED, message=reason))
    return reply


def warm(backend: str, arch: str, warp_size: int) -> str:
    """Compile a small kernel, so that children find everything loaded; return the version."""
    import triton

    from kernelsmith import warm_kernel
    from kernelsmith.compiler import compile_job
    from kernelsmith.messages import Argument, Job, Request

    pointer = Argument("*fp32", True, False)
    number = Argument("i32", True, False)
    job = Job("warm", [pointer, pointer, number], {"BLOCK": 128}, 4, 3, 0)
    request = Request("", backend, arch, warp_size, 0, 0, 1, [job])
    compile_job(vars(warm_kernel), job, request)
    return str(triton.__version__)


def main(backend: str, arch: str, warp_size: int) -> None:
    """Serve until the other side closes."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        version = warm(backend, arch, warp_size)
    except Exception as error:
        write_message(SOCKET, f"-{type(error).__name__}: {error}".encode())
        sys.exit(1)
    clear_folder()
    write_message(SOCKET, b"+" + version.encode())
    while (message := read_message(SOCKET)) is not None:
        write_message(SOCKET, serve_one(message))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
