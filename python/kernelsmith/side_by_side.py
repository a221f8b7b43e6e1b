"""Compiles the jobs of one candidate in processes beside each other.

A compile holds one core (LLVM, then ptxas), and Python's threads would share one. The candidate's
module has run already: a fork has it loaded. What the processes say to each other is the
candidate's own business; the receiver checks what comes out.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
from collections.abc import Callable

from kernelsmith.messages import DIED, OK, Job, Reply

PR_SET_PDEATHSIG = 1


class Side:
    """One job in a forked process."""

    def __init__(self, job: Job, compile_one: Callable[[Job], Reply]) -> None:
        """Start it."""
        self._read_end, write_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                os.close(self._read_end)
                with os.fdopen(write_end, "wb") as pipe:
                    pickle.dump(compile_one(job), pipe)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(write_end)

    def result(self) -> Reply:
        """Wait for its reply."""
        with os.fdopen(self._read_end, "rb") as pipe:
            data = pipe.read()
        status = os.waitpid(self._pid, 0)[1]
        if os.WIFSIGNALED(status):
            return Reply(DIED, message=f"signal {os.WTERMSIG(status)}")
        if status != 0:
            return Reply(DIED, message="no result")
        reply: Reply = pickle.loads(data)
        return reply


def compile_all(jobs: list[Job], compile_one: Callable[[Job], Reply], parallel: int) -> Reply:
    """Compile all jobs, at most `parallel` at a time; the first failure in their order counts."""
    kernels = []
    at = 0
    while at < len(jobs):
        group = jobs[at : at + max(1, parallel)]
        at += len(group)
        sides = [Side(job, compile_one) for job in group[1:]]
        replies = [compile_one(group[0])] + [side.result() for side in sides]
        for reply in replies:
            if reply.status != OK:
                return reply
            kernels += reply.kernels
    return Reply(OK, kernels=kernels)
