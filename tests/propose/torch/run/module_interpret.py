"""Runs candidates of PyTorch modules on CPU tensors, with Triton's interpreter, beside the modules.

The file named first has a run a line as JSON: {"module": path, "candidate": path, "sizes": of the
module, or null for its reduced ones}. Writes one line a run: "ok", or what differs. Two calls on
different inputs, so that what is kept between calls shows. Exit status 77: torch or Triton is missing.
"""

import json
import os
import pathlib
import sys
import warnings

os.environ["TRITON_INTERPRET"] = "1"
ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path.insert(0, str(ROOT / "python"))
warnings.simplefilter("ignore")
try:
    import torch
    import triton  # noqa: F401
except ImportError as error:
    print(error)
    sys.exit(77)

from kernelsmith.modules.model import Reference, flatten
from kernelsmith.modules.source import load, reductions_of

WORST = 2e-5


def difference(reference, model, candidate, seed):
    inputs = reference.new_inputs(seed)
    before = [value.clone() for value in inputs]
    wanted = reference.run(model, inputs)
    got = flatten(candidate(*inputs))
    if any(not torch.equal(a, b) for a, b in zip(inputs, before)):
        return "an input changed"
    if len(got) != len(wanted):
        return f"{len(got)} outputs"
    for left, right in zip(got, wanted):
        if left.shape != right.shape or left.dtype != right.dtype:
            return f"{left.shape} {left.dtype}"
        scale = max(float(right.double().square().mean().sqrt()), 1e-30)
        error = float((left.double() - right.double()).abs().max()) / scale
        if not error < WORST:
            return f"differs by {error:.1e}"
    return ""


def run(module, candidate, sizes):
    reference = Reference(module.read_text(), module.name)
    reference.set_sizes(sizes or reductions_of(reference.space))
    model = reference.new_model(3)
    # A name of its own: Triton finds the text of kernels by it.
    space = load(candidate.read_text(), str(candidate), f"candidate_{candidate.stem}")
    arguments = reference.init_arguments()
    made = space["ModelNew"]
    made = made(**arguments) if isinstance(arguments, dict) else made(*arguments)
    made.load_state_dict(model.state_dict(), strict=False)
    return difference(reference, model, made, 5) or difference(reference, model, made, 6)


torch.set_num_threads(1)
torch.set_grad_enabled(False)
for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
    asked = json.loads(line)
    try:
        said = run(pathlib.Path(asked["module"]), pathlib.Path(asked["candidate"]), asked["sizes"])
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
    print(said.replace("\n", " ")[:600] or "ok", flush=True)
