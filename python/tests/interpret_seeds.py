"""Run as a program: recorded traces as candidates on CPU tensors, beside the modules themselves."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "tasks" / "torch"


def traces() -> dict[str, tuple[Path, dict[str, object]]]:
    """Return what is recorded, by name."""
    found = {}
    for path in sorted((HERE / "seeds").glob("*.json")):
        record = json.loads(path.read_text())
        own = path.parent / record["module"]  # of a module that has changed since
        found[path.stem] = (own if own.exists() else MODULES / record["module"], record)
    return found


def trace_of(record: dict[str, object], single: bool, helpers: str) -> object:
    """Return a recorded trace."""
    from kernelsmith.seeds.trace import Trace

    return Trace(
        code="\n".join(record["code"]) + "\n",
        sources=list(record["sources"]),
        helpers=helpers,
        torch=str(record["torch"]),
        single=single,
    )


def main() -> None:
    """Print the error of every recorded seed as JSON."""
    os.environ["TRITON_INTERPRET"] = "1"  # of this process alone

    import torch

    from kernelsmith.modules.model import Reference
    from kernelsmith.modules.source import reductions_of
    from kernelsmith.seeds.compile_module import check, helper_text, sample
    from kernelsmith.seeds.convert import compiled_text
    from kernelsmith.seeds.module_source import eager_text

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    errors: dict[str, object] = {}
    helpers = helper_text()
    folder = Path(tempfile.mkdtemp())
    for name, (path, record) in traces().items():
        text = path.read_text()
        reference = Reference(text, path.name)
        reference.set_sizes(reductions_of(reference.space))
        given = sample(reference, "cpu")
        try:
            seed = compiled_text(text, path.name, trace_of(record, given.single, helpers))
            (folder / f"{name}.py").write_text(seed)
            errors[name] = check(seed, str(folder / f"{name}.py"), reference, given)
            eager = eager_text(text, path.name)
            errors[f"{name} eager"] = check(eager, f"{name}_eager.py", reference, given)
        except Exception as error:
            errors[name] = f"{type(error).__name__}: {error}"
    print(json.dumps(errors))


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    main()
