"""The process behind `ksmith seeds`: a module's file in, seeds and a report as JSON out."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from kernelsmith.seeds.trace import Refusal

NAMES = ("eager", "compiled", "fused")


def opened(text: str, file: str, workload: str) -> Any:
    """Return the module at the sizes asked for. Raises Refusal and Problem."""
    import torch

    from kernelsmith.modules.model import Reference
    from kernelsmith.modules.source import reductions_of
    from kernelsmith.seeds import compile_module as compiler

    if not torch.cuda.is_available():
        raise Refusal(
            f"torch {torch.__version__} sees no GPU; the compiler's kernels and their blocks "
            "come from a run on one"
        )
    reference = Reference(text, file)
    if workload == "reduced":
        sizes = reductions_of(reference.space)
        if not sizes:
            raise Refusal(f"{file} names no REDUCED sizes")
        reference.set_sizes(sizes)
    compiler.set_precision(reference.precision)
    return reference


def seeds_of(text: str, file: str, workload: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the report and the texts by name. Raises Refusal and Problem: there are none."""
    import torch

    from kernelsmith.seeds import compile_module as compiler
    from kernelsmith.seeds.convert import compiled_text
    from kernelsmith.seeds.module_source import eager_text

    reference = opened(text, file, workload)
    given = compiler.sample(reference, "cuda")
    seeds: list[dict[str, Any]] = []
    texts: dict[str, str] = {}

    def keep(name: str, made: Any) -> None:
        try:
            candidate = made()
            error = compiler.check(candidate, f"{name}.py", reference, given)
        except Exception as error:  # one seed less, whatever went wrong with it
            known = isinstance(error, Refusal)
            message = str(error) if known else f"{type(error).__name__}: {error}"
            seeds.append({"name": name, "refused": message[:2000]})
            return
        texts[name] = candidate
        seeds.append({"name": name, "file": f"{name}.py", "error": error})

    with compiler.quiet():
        keep("eager", lambda: eager_text(text, file))
        keep(
            "compiled",
            lambda: compiled_text(text, file, compiler.compile_module(reference, given, "cuda")),
        )
    report = {
        "module": file,
        "workload": workload,
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name(),
        "seeds": seeds,
    }
    return report, texts


def check_of(text: str, file: str, workload: str, candidate: Path) -> dict[str, Any]:
    """Run a candidate beside the module; return its error, or why it is none."""
    from kernelsmith.seeds import compile_module as compiler

    reference = opened(text, file, workload)
    given = compiler.sample(reference, "cuda")
    try:
        return {"error": compiler.check(candidate.read_text(), str(candidate), reference, given)}
    except Exception as error:  # whatever a candidate does
        return {"refused": f"{type(error).__name__}: {error}"[:2000]}


@contextlib.contextmanager
def answering() -> Iterator[TextIO]:
    """Give the standard output; whatever else is written to it meanwhile goes to standard error.

    A module, a candidate and a compiler may print; the answer is one line of its own.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(os.dup(kept), "w") as answer, contextlib.redirect_stdout(sys.stderr):
            yield answer
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def main(arguments: list[str] | None = None) -> int:
    """Write the seeds; print the report. Exit 1: there is none."""
    parser = argparse.ArgumentParser(prog="ksmith seeds")
    parser.add_argument("module", type=Path)
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--out", type=Path)
    task.add_argument("--check", type=Path)
    parser.add_argument("--workload", choices=("full", "reduced"), default="full")
    options = parser.parse_args(arguments)
    with answering() as answer:
        return answered(options, answer)


def answered(options: argparse.Namespace, answer: TextIO) -> int:
    """Do what is asked for; print the answer. Exit 1: there is no seed."""
    try:
        text = options.module.read_text()
        if options.check:
            checked = check_of(text, options.module.name, options.workload, options.check)
            print(json.dumps(checked), file=answer)
            return 0
        report, texts = seeds_of(text, options.module.name, options.workload)
        options.out.mkdir(parents=True, exist_ok=True)
        for name in NAMES:  # of an earlier call
            (options.out / f"{name}.py").unlink(missing_ok=True)
        for name, seed in texts.items():
            (options.out / f"{name}.py").write_text(seed)
    except Exception as error:  # whatever a module does, it is told in one line
        known = isinstance(error, Refusal) or type(error).__name__ == "Problem"
        message = str(error) if known else f"{type(error).__name__}: {error}"
        print(json.dumps({"error": message[:2000]}), file=answer)
        return 1
    print(json.dumps(report), file=answer)
    return 0 if texts else 1


if __name__ == "__main__":
    sys.exit(main())
