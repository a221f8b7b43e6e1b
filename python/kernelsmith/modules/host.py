"""A warm process with torch (and Triton) imported that forks a fresh child for each module.

Runs as the first process of a sandbox: no network, no device, no writable folder. The host never
executes a module's code; a child does, talks over a socket of its own and knows no other.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import linecache
import os
import resource
import signal
import sys
import time
from typing import Any

from kernelsmith.modules.channel import Channel, Message

SOCKET = 3
SCRATCH = "/tmp"  # where there is one, it is this sandbox's own
SCRATCH_TIMEOUT_S = 10.0  # a host answers in 20
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2


class FilterProgram(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def install_filter(program: bytes) -> None:
    """Refuse what a candidate needs no more: new processes, above all. Cannot be undone."""
    if not program:
        return
    buffer = ctypes.create_string_buffer(program, len(program))
    argument = FilterProgram(len(program) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(argument), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "installing the system-call filter")


def run_child(request: Message, descriptor: int) -> None:
    """Be the reference or the candidate until the other side closes."""
    os.close(SOCKET)
    silent = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(silent, standard)
    os.close(silent)
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    limit = int(request["memory_bytes"])
    if limit > 0:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    install_filter(bytes.fromhex(request["filter"]))
    from kernelsmith.modules.device import use_device

    use_device(request["device"])
    channel = Channel(descriptor)
    if request["role"] == "reference":
        from kernelsmith.modules.reference import serve
    else:
        from kernelsmith.modules.candidate import serve
    serve(channel)


def start(request: Message, descriptor: int) -> int:
    """Fork a child that owns `descriptor`."""
    child = os.fork()
    if child == 0:
        try:
            run_child(request, descriptor)
        finally:
            os._exit(1)
    os.close(descriptor)
    return child


def end(child: int, last: bool) -> Message:
    """Kill and reap a child; the last one with all that it may have started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ended, status = os.waitpid(child, os.WNOHANG)
    killed = ended == 0
    if killed:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if os.getpid() == 1 and last:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "killed": killed,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
        "peak_rss_bytes": max(peak, before) * 1024,
    }


def empty_scratch(folder: str = SCRATCH) -> bool:
    """Remove what a child may have left for the next one; False: something is left.

    Names are bytes, folders are opened up first, and what lies deep is moved to the top before it
    is removed: no path grows long and nothing calls itself, however deep a tree is.
    """
    root = os.fsencode(folder)
    if not os.path.isdir(root):
        return True
    deadline = time.monotonic() + SCRATCH_TIMEOUT_S
    stem = b".%s." % os.urandom(8).hex().encode()
    moved = 0
    try:
        os.chmod(root, os.stat(root).st_mode | 0o700)
        while folders := folders_in(root, deadline):
            for top in folders:
                for deep in folders_in(top, deadline):
                    moved += 1
                    os.rename(deep, os.path.join(root, stem + b"%d" % moved))
                os.rmdir(top)
    except OSError:
        return False
    return True


def folders_in(folder: bytes, deadline: float) -> list[bytes]:
    """Remove the files of a folder; return its folders, opened up."""
    folders = []
    for entry in list(os.scandir(folder)):
        if time.monotonic() > deadline:
            raise TimeoutError("too many files")
        if entry.is_dir(follow_symlinks=False):
            os.chmod(entry.path, 0o700)
            folders.append(entry.path)
        else:
            os.unlink(entry.path)
    return folders


WARM_MODULE = """
import torch
class Model(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
    def forward(self, x):
        return torch.softmax(self.linear(x), dim=-1)
def get_inputs():
    return [torch.randn(3, 4)]
def get_init_inputs():
    return [4]
"""


def exercise() -> None:
    """Judge a module of our own, so that children find everything imported; leave no trace."""
    from kernelsmith.modules.reference import Server

    server = Server()
    request = {"source": WARM_MODULE, "file": "warm.py", "memory_bytes": 0, "workload": "small"}
    server.do_open(request, [])
    server.do_gate({}, [])
    linecache.cache.pop("warm.py", None)
    sys.modules.pop("kernelsmith_reference", None)


def warm() -> dict[str, Any]:
    """Import what children need; return the versions."""
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    try:
        import triton

        triton_version = str(triton.__version__)
    except ImportError:
        triton_version = ""
    import kernelsmith.modules.candidate  # noqa: F401

    exercise()
    if os.environ.get("KSMITH_MODULE_DEVICE") == "cuda":
        warm_triton()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all of it

    return {"torch": str(torch.__version__), "triton": triton_version}


def warm_triton() -> None:
    """Compile a kernel of our own, so that children find Triton's compiler and stubs at work.

    The driver stays untouched: a process that forks must not have initialised it.
    """
    with contextlib.suppress(ImportError):
        from kernelsmith.modules.warm_triton import warm

        warm()
    if not empty_scratch():
        raise OSError(f"{SCRATCH} cannot be emptied")


def main() -> None:
    """Serve until the other side closes."""
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a child may send it to the first process
    channel = Channel(SOCKET)
    try:
        channel.send({"ready": True, **warm()})
    except Exception as error:
        channel.send({"ready": False, "problem": f"{type(error).__name__}: {error}"})
        sys.exit(1)
    children: set[int] = set()
    while (received := channel.receive()) is not None:
        request, files = received
        if request["op"] == "start":
            child = start(request, files[0])
            children.add(child)
            channel.send({"started": child})
        else:
            children.discard(request["child"])
            ended = end(request["child"], not children)
            clean = bool(children) or empty_scratch()
            channel.send(ended)
            if not clean:
                return  # a fresh host has a fresh place


if __name__ == "__main__":
    main()
