"""Compiles the kernels of one candidate with Triton, ahead of time and for an explicit target.

Runs in a forked child: the candidate's module code is executed here.
"""

from __future__ import annotations

import re
import runpy
import traceback
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernelsmith.messages import FAILED, OK, Argument, Job, Kernel, Reply, Request
from kernelsmith.side_by_side import compile_all

IMAGES = {"cuda": "cubin", "hip": "hsaco"}
DIVISIBLE = [["tt.divisibility", 16]]


class CandidateError(Exception):
    """The candidate asks for something that it does not have."""


def parameters_of(function: Any) -> list[Any]:
    """Return the parameters of a JIT function; the attribute's name differs by version."""
    return list(getattr(function, "params", None) or function.parameters)


def find_kernel(namespace: dict[str, Any], name: str) -> Any:
    """Return the JIT function of that name."""
    function = namespace.get(name)
    if function is None:
        known = [key for key, value in namespace.items() if hasattr(value, "arg_names")]
        raise CandidateError(f"no kernel '{name}' in the source; there are: {', '.join(known)}")
    if type(function).__name__ == "Autotuner":
        raise CandidateError(
            f"'{name}' has @triton.autotune; give its choices as constants and launch options"
        )
    if not hasattr(function, "arg_names"):
        raise CandidateError(f"'{name}' is not a @triton.jit function")
    return function


def bind(
    function: Any, job: Job
) -> tuple[dict[str, str], dict[str, Any], dict[Any, Any], list[int]]:
    """Give every parameter a type: (signature, constants, attributes, dropped arguments)."""
    signature: dict[str, str] = {}
    constants: dict[str, Any] = {}
    attributes: dict[Any, Any] = {}
    dropped: list[int] = []
    arguments: list[Argument] = list(job.arguments)
    used = 0
    for index, parameter in enumerate(parameters_of(function)):
        name = parameter.name
        if parameter.is_constexpr:
            signature[name] = "constexpr"
            if name in job.constants:
                constants[name] = job.constants[name]
            elif parameter.has_default:
                constants[name] = parameter.default
            else:
                raise CandidateError(
                    f"parameter '{name}' of '{job.kernel}' is a tl.constexpr; "
                    f"expected a line '# ksmith: const {name} = ...'"
                )
            continue
        if used == len(arguments):
            takes = sum(not p.is_constexpr for p in parameters_of(function))
            raise CandidateError(
                f"'{job.kernel}' takes {takes} arguments, the launch passes {len(arguments)}"
            )
        argument = arguments[used]
        special = not getattr(parameter, "do_not_specialize", False)
        aligned = not getattr(parameter, "do_not_specialize_on_alignment", False)
        signature[name] = argument.type
        if argument.is_one and special:
            signature[name] = "constexpr"
            constants[name] = 1
            dropped.append(used)
        elif argument.divisible_by_16 and special and aligned:
            attributes[(index,)] = DIVISIBLE
        used += 1
    if used < len(arguments):
        raise CandidateError(
            f"'{job.kernel}' takes {used} arguments, the launch passes {len(arguments)}"
        )
    return signature, constants, attributes, dropped


def count_parameters(assembly: str, symbol: str) -> int:
    """Count the parameters of the kernel in LLVM IR, with those that Triton appended."""
    found = re.search(r"^define [^@\n]*@" + re.escape(f"{symbol}") + r"\((.*)\)", assembly, re.M)
    if found is None:
        raise CandidateError(f"no kernel '{symbol}' in the compiled code")
    body, depth, count = found.group(1), 0, 0
    for char in body[: body.find(") ") if ") local" in body else len(body)]:
        depth += (char in "(<[{") - (char in ")>]}")
        count += char == "," and depth == 0
    return count + 1 if body.strip() else 0


def as_text(value: str | bytes) -> str:
    """Return assembly as text; some versions hold bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def compile_job(namespace: dict[str, Any], job: Job, request: Request) -> Kernel:
    """Compile one kernel."""
    function = find_kernel(namespace, job.kernel)
    signature, constants, attributes, dropped = bind(function, job)
    arch: int | str = int(request.arch) if request.arch.isdigit() else request.arch
    options: dict[str, Any] = {"num_warps": job.num_warps, "num_stages": job.num_stages}
    if job.maxnreg > 0 and request.backend == "cuda":
        options["maxnreg"] = job.maxnreg
    compiled = triton.compile(
        ASTSource(fn=function, signature=signature, constexprs=constants, attrs=attributes),
        target=GPUTarget(request.backend, arch, request.warp_size),
        options=options,
    )
    metadata = compiled.metadata
    for scratch in ("global_scratch_size", "profile_scratch_size"):
        if getattr(metadata, scratch, 0):
            raise CandidateError(f"'{job.kernel}' needs {scratch}, which launches cannot give")
    assembly = compiled.asm
    return Kernel(
        symbol=metadata.name,
        image=assembly[IMAGES[request.backend]],
        assembly=as_text(assembly.get("ptx", "")),
        shared_bytes=int(metadata.shared),
        threads=int(metadata.num_warps) * request.warp_size,
        parameters=count_parameters(as_text(assembly["llir"]), metadata.name),
        dropped=dropped,
    )


def place_of(error: BaseException, path: str) -> tuple[int, int]:
    """Return line and column of an error in the candidate's file; zeros: unknown."""
    node = getattr(error, "node", None)
    if node is not None and hasattr(node, "lineno"):
        first = getattr(error, "_kernelsmith_first_line", 1)
        return first + int(node.lineno) - 1, int(node.col_offset) + 1
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno or 0, error.offset or 0
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return (frames[-1].lineno or 0, 0) if frames else (0, 0)


def first_line_of(function: Any) -> int:
    """Return the line of the file at which the text that the compiler parses begins: its def."""
    first = int(getattr(function, "starting_line_number", 1))
    raw = "".join(getattr(function, "raw_src", ""))
    definition = re.search(r"^\s*def\s", raw, re.M)
    return first + (raw[: definition.start()].count("\n") if definition else 0)


def failure(error: BaseException, path: str, function: Any = None) -> Reply:
    """Turn what was raised while the candidate was loaded or compiled into a reply."""
    if isinstance(error, CandidateError):
        return Reply(FAILED, message=str(error), log=str(error))
    if function is not None and hasattr(error, "node"):
        error._kernelsmith_first_line = first_line_of(function)  # type: ignore[attr-defined]
    line, column = place_of(error, path)
    text = getattr(error, "error_message", None) or str(error)
    cause = error.__cause__
    if getattr(error, "error_message", None) is None and cause is not None:
        text = str(cause)
    log = "".join(traceback.format_exception(error))
    message = f"{type(error).__name__}: {text}".strip()
    return Reply(FAILED, line, column, message[:2000], log[-8000:])


def compile_request(request: Request, path: str) -> Reply:
    """Run the candidate's module, written at `path`, and compile its jobs."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(request.source)
        namespace = runpy.run_path(path, run_name="candidate")
    except (Exception, SystemExit) as error:
        return failure(error, path)

    def one(job: Job) -> Reply:
        try:
            return Reply(OK, kernels=[compile_job(namespace, job, request)])
        except (Exception, SystemExit) as error:
            return failure(error, path, namespace.get(job.kernel))

    return compile_all(request.jobs, one, request.parallel)
