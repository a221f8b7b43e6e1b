"""Runs the text of a module file in a namespace of its own, and says what went wrong."""

from __future__ import annotations

import errno
import linecache
import sys
import traceback
import types
from typing import Any

REDUCED = "REDUCED"
# As torch says it, of the processor's memory and of a device's, and libraries of CUDA.
NO_MEMORY = ("can't allocate memory", "out of memory", "_ALLOC_FAILED")


class Problem(Exception):
    """The module or the candidate cannot do what is asked: a phase and a message for people."""

    def __init__(self, phase: str, message: str, line: int = 0, log: str = "") -> None:
        """Describe it."""
        super().__init__(message)
        self.phase, self.message, self.line, self.log = phase, message, line, log

    def to_json(self) -> dict[str, Any]:
        """Return it as an answer."""
        error = {"phase": self.phase, "message": self.message[:2000], "line": self.line}
        return {"error": {**error, "log": self.log[-8000:]}}


def problem_of(phase: str, error: BaseException, file: str) -> Problem:
    """Return what an exception means, with the line of `file` it came from."""
    if isinstance(error, Problem):
        return error
    line = 0
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno or 0
    else:
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        line = frames[-1].lineno or 0 if frames else 0
    if is_out_of_memory(error):
        phase = "memory"
    log = "".join(traceback.format_exception(error))
    return Problem(phase, f"{type(error).__name__}: {error}", line, log)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no room for a tensor."""
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in NO_MEMORY)


def load(source: str, file: str, name: str) -> dict[str, Any]:
    """Execute `source` as the module `name`; errors become a Problem of the phase "import"."""
    lines = source.splitlines(keepends=True)
    # What inspects sources (Triton does) finds the text here: there is no such file.
    linecache.cache[file] = (len(source), None, lines, file)
    module = types.ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise problem_of("import", error, file) from error
    return module.__dict__


def reductions_of(namespace: dict[str, Any]) -> dict[str, Any]:
    """Return the sizes that the file itself gives for small machines."""
    reduced = namespace.get(REDUCED, {})
    if not isinstance(reduced, dict):
        raise Problem("form", f"{REDUCED} must be a dict of the file's own constants")
    for name in reduced:
        if name not in namespace:
            raise Problem("form", f"{REDUCED} names '{name}', which the file does not define")
    return reduced
