"""Runs Triton candidates in Triton's interpreter and compares what they write.

Reads runs as JSON (one a line) from the file named first: two candidates with their launch plans bound
to numbers, and what their buffers hold. Writes one line a run: "ok", or what differs. Exit status 77:
Triton or NumPy is missing. The interpreter asks for tensors of PyTorch; `Tensor` is as much of one as
it uses.
"""

import json
import os
import pathlib
import runpy
import sys
import tempfile

os.environ["TRITON_INTERPRET"] = "1"
try:
    import numpy as np
    import triton  # noqa: F401
    import triton.language as tl
except ImportError as error:
    print(error)
    sys.exit(77)

DTYPES = {"f32": (np.float32, tl.float32), "i32": (np.int32, tl.int32), "i64": (np.int64, tl.int64)}


class Tensor:
    """An array with the methods that the interpreter calls."""

    def __init__(self, array, dtype):
        self.array, self.dtype, self.device = array, dtype, "cpu"

    def data_ptr(self):
        return self.array.ctypes.data

    def untyped_storage(self):
        return self

    def cpu(self):
        return self

    def storage_offset(self):
        return 0

    def size(self):
        return self.array.shape

    def stride(self):
        return (1,)

    def new_empty(self, _size, device):
        return Tensor(self.array, self.dtype)

    def set_(self, storage, _offset, _size, _stride):
        self.array = storage.array

    def copy_(self, other):
        assert other.array is self.array


def buffer(kind, count, fill):
    """An array of that kind, with elements around it that nobody may change."""
    guarded = np.full(count + 128, -77, DTYPES[kind][0])
    array = guarded[64 : 64 + count]
    array[:] = fill
    return guarded, Tensor(array, DTYPES[kind][1])


def execute(candidate, run):
    """The outputs of a candidate."""
    random = np.random.default_rng(7)
    guards, buffers = [], []

    def add(kind, count, fill):
        guarded, tensor = buffer(kind, count, fill)
        guards.append(guarded)
        buffers.append(tensor)

    for spec in run["inputs"]:
        kind, count = spec["dtype"], spec["count"]
        values = random.standard_normal(count) if kind == "f32" else random.integers(0, spec["below"], count)
        if spec["rising"]:  # from 0 to the limit: where rows begin
            values = np.sort(values)
            values[0], values[-1] = 0, spec["below"]
        add(kind, count, values)
    for spec in run["outputs"]:
        add(spec["dtype"], spec["count"], np.nan if spec["dtype"] == "f32" else -99)
    for count in candidate["scratch"]:
        add("f32", count, np.nan)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "kernel.py"
        path.write_text(candidate["source"])
        names = runpy.run_path(str(path))
        for step in candidate["steps"]:
            if "clear" in step:
                buffers[step["clear"]].array[:] = 0
                continue
            kernel = names[step["kernel"]]
            args = [buffers[arg["buffer"]] if "buffer" in arg else arg["value"] for arg in step["args"]]
            parameters = kernel.fn.__code__.co_varnames[: kernel.fn.__code__.co_argcount]
            known = {name: candidate["constants"][name] for name in parameters if name in candidate["constants"]}
            rest = iter(args)
            values = {name: known[name] if name in known else next(rest) for name in parameters}
            kernel[tuple(step["grid"])](**values)
    for guarded in guards:
        assert (guarded[:64] == -77).all() and (guarded[-64:] == -77).all(), "writes outside of a buffer"
    first = len(run["inputs"])
    return [tensor.array for tensor in buffers[first : first + len(run["outputs"])]]


def difference(run):
    """What the edited candidate writes otherwise; empty: nothing."""
    for want, got in zip(execute(run["original"], run), execute(run["edited"], run)):
        scale = max(float(np.abs(want).max(initial=0)), 1e-3) if want.dtype == np.float32 else 0
        wrong = ~(np.abs(want.astype(np.float64) - got) <= 2e-5 * scale)
        if wrong.any():
            at = int(np.argmax(wrong))
            return f"element {at} is {got[at]}, want {want[at]}"
    return ""


def main():
    np.seterr(all="ignore")
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        run = json.loads(line)
        try:
            said = difference(run)
        except Exception as error:  # noqa: BLE001
            said = f"{type(error).__name__}: {error}"
        print(said.replace("\n", " ") or "ok", flush=True)


if __name__ == "__main__":
    main()
