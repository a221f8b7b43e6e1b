"""What is asked of the compiler and what it answers; the other end is triton_compiler.cc."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernelsmith.wire import Reader, Writer

OK = 0
FAILED = 1
TIMED_OUT = 2
DIED = 3


@dataclass(frozen=True)
class Argument:
    """One argument of a launch, as the compiler sees it."""

    type: str  # "*fp32", "i32", "fp64", ...
    divisible_by_16: bool
    is_one: bool


@dataclass(frozen=True)
class Job:
    """One kernel to compile."""

    kernel: str
    arguments: list[Argument]
    constants: dict[str, int]
    num_warps: int
    num_stages: int
    maxnreg: int  # 0: no limit


@dataclass(frozen=True)
class Request:
    """All kernels of one candidate."""

    source: str
    backend: str  # "cuda", "hip"
    arch: str  # "90", "gfx942"
    warp_size: int
    timeout_s: float
    memory_bytes: int
    parallel: int  # processes that may compile at a time
    jobs: list[Job]


@dataclass(frozen=True)
class Kernel:
    """A compiled kernel."""

    symbol: str
    image: bytes
    assembly: str  # PTX; empty elsewhere
    shared_bytes: int
    threads: int  # of a block
    parameters: int  # that the code takes, with those that Triton appended
    dropped: list[int]  # arguments that became constants


@dataclass
class Reply:
    """The outcome of a request; position 0: unknown."""

    status: int
    line: int = 0
    column: int = 0
    message: str = ""
    log: str = ""
    kernels: list[Kernel] = field(default_factory=list)


def read_request(message: bytes) -> Request:
    """Decode a request."""
    reader = Reader(message)

    def argument() -> Argument:
        return Argument(reader.text(), bool(reader.number("B")), bool(reader.number("B")))

    def constant() -> tuple[str, int]:
        return reader.text(), reader.number("q")

    def job() -> Job:
        return Job(
            kernel=reader.text(),
            arguments=reader.list(argument),
            constants=dict(reader.list(constant)),
            num_warps=reader.number("i"),
            num_stages=reader.number("i"),
            maxnreg=reader.number("i"),
        )

    return Request(
        source=reader.text(),
        backend=reader.text(),
        arch=reader.text(),
        warp_size=reader.number("i"),
        timeout_s=reader.real(),
        memory_bytes=reader.number("q"),
        parallel=reader.number("i"),
        jobs=reader.list(job),
    )


def write_reply(reply: Reply) -> bytes:
    """Encode a reply."""
    writer = Writer()
    writer.number(reply.status, "B")
    writer.number(reply.line, "i")
    writer.number(reply.column, "i")
    writer.text(reply.message)
    writer.text(reply.log)

    def kernel(item: Kernel) -> None:
        writer.text(item.symbol)
        writer.text(item.image)
        writer.text(item.assembly)
        writer.number(item.shared_bytes, "q")
        writer.number(item.threads, "i")
        writer.number(item.parameters, "i")
        writer.list(item.dropped, lambda index: writer.number(index, "I"))

    writer.list(reply.kernels, kernel)
    return writer.take()
