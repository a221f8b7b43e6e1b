import os
import signal

from kernelsmith.messages import DIED, FAILED, OK, Job, Kernel, Reply
from kernelsmith.side_by_side import compile_all

JOBS = [Job(f"k{index}", [], {}, 4, 3, 0) for index in range(5)]


def name_of(job: Job) -> Reply:
    return Reply(OK, kernels=[Kernel(job.kernel, b"", "", 0, 32, 0, [])])


def test_keeps_the_order_of_the_jobs() -> None:
    for parallel in (0, 1, 2, 3, 9):
        reply = compile_all(JOBS, name_of, parallel)
        assert [kernel.symbol for kernel in reply.kernels] == [job.kernel for job in JOBS]


def test_gives_the_failure_of_the_earliest_job() -> None:
    def fail_late(job: Job) -> Reply:
        return Reply(FAILED, message=job.kernel) if job.kernel in ("k2", "k4") else name_of(job)

    for parallel in (1, 2, 9):
        reply = compile_all(JOBS, fail_late, parallel)
        assert (reply.status, reply.message) == (FAILED, "k2")


def test_says_which_signal_ended_a_job() -> None:
    def end(job: Job) -> Reply:
        if job.kernel == "k3":
            os.kill(os.getpid(), signal.SIGSEGV)
        return name_of(job)

    reply = compile_all(JOBS, end, 9)
    assert (reply.status, reply.message) == (DIED, f"signal {int(signal.SIGSEGV)}")


def test_says_that_a_job_ended_without_a_result() -> None:
    def leave(job: Job) -> Reply:
        if job.kernel == "k1":
            os._exit(3)
        return name_of(job)

    assert compile_all(JOBS, leave, 9).message == "no result"
