"""Compiles a module with torch on the GPU of this machine and records what came of it."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from pathlib import Path
from typing import Any

import torch

from kernelsmith.modules.compare import FACTOR, MOST_STEPS, STEPS
from kernelsmith.modules.model import Reference, flatten
from kernelsmith.modules.source import load
from kernelsmith.seeds.trace import Refusal, Trace

SEED = 20


@dataclasses.dataclass
class Sample:
    """A model on the device with inputs and its results."""

    model: torch.nn.Module
    inputs: list[Any]
    results: list[torch.Tensor]
    exact: list[torch.Tensor]  # in fp64; the results themselves where the module insists on fp32
    single: bool  # forward gives a tensor


def set_precision(precision: str) -> None:
    """Allow what the contract of the module allows."""
    torch.set_float32_matmul_precision("highest" if precision == "fp32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "fp32"


def sample(reference: Reference, device: str) -> Sample:
    """Run the module as it is."""
    model = reference.new_model(SEED).to(device)
    inputs = [
        value.to(device) if isinstance(value, torch.Tensor) else value
        for value in reference.new_inputs(SEED)
    ]
    before = [v.clone() if isinstance(v, torch.Tensor) else v for v in inputs]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        result = model(*inputs)
    for name, value in model.state_dict().items():
        if not torch.equal(value, state[name]):
            model.load_state_dict(state)  # statistics of the batch: the compiled code is checked
    results = flatten(result)
    try:
        exact = reference.run_double(model, before) or results
    except torch.OutOfMemoryError:
        exact = results
    return Sample(model, before, results, exact, isinstance(result, torch.Tensor))


def source_of(node: Any) -> str:
    """Return where an input of a graph comes from, as Dynamo names it."""
    name = getattr(getattr(node.meta.get("grapharg"), "source", None), "name", None)
    return str(name() if callable(name) else name)


class Recorder:
    """A backend of torch.compile that hands on to inductor and keeps what goes through."""

    def __init__(self) -> None:
        """Begin without graphs."""
        self.graphs: list[list[str]] = []
        self.outputs: list[Any] = []

    def __call__(self, graph: Any, inputs: Any) -> Any:
        """Compile one graph."""
        from torch._inductor.compile_fx import compile_fx

        nodes = [node for node in graph.graph.nodes if node.op == "placeholder"]
        self.graphs.append([source_of(node) for node in nodes])
        compiled = compile_fx(graph, inputs)

        def run(*arguments: Any) -> Any:
            self.outputs = list(compiled(*arguments))
            return self.outputs

        return run


def blocks_of(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return what the compiler chose for kernels that have run."""
    from torch._inductor.codecache import PyCodeCache

    found: dict[str, dict[str, Any]] = {}
    for module in reversed(PyCodeCache.modules):
        for name in names:
            launchers = getattr(getattr(module, name, None), "launchers", None)
            if name in found or not launchers or len(launchers) != 1:
                continue
            config = launchers[0].config
            found[name] = {
                **{key: int(value) for key, value in config.kwargs.items()},
                "num_warps": int(config.num_warps),
                "num_stages": int(config.num_stages),
            }
    return found


def helper_text() -> str:
    """Return torch's own functions for Triton kernels."""
    from torch._inductor.runtime import triton_helpers

    path = inspect.getsourcefile(triton_helpers)
    assert path is not None
    return Path(path).read_text()


def compile_module(reference: Reference, given: Sample, device: str) -> Trace:
    """Compile the module for the inputs of the sample. Raises Refusal."""
    import torch._dynamo
    import torch._inductor.config as inductor
    from torch._inductor.utils import run_and_get_code

    from kernelsmith.seeds.output_code import OutputCode

    torch._dynamo.reset()
    torch._dynamo.config.specialize_float = True
    torch._dynamo.config.automatic_dynamic_shapes = False
    recorder = Recorder()
    with torch.no_grad(), inductor.patch(force_disable_caches=True):
        compiled = torch.compile(given.model, backend=recorder, dynamic=False)
        try:
            result, codes = run_and_get_code(compiled, *given.inputs)
        except Exception as error:
            raise Refusal(f"torch.compile fails: {type(error).__name__}: {error}") from error
    graphs = len(recorder.graphs)
    if graphs != 1 or len(codes) != 1:
        raise Refusal(f"torch.compile makes {max(graphs, len(codes))} graphs of it (graph breaks)")
    order = []
    for tensor in flatten(result):
        places = [i for i, other in enumerate(recorder.outputs) if other is tensor]
        if len(places) != 1:
            raise Refusal("a result of forward is no result of the graph")
        order.append(places[0])
    names = list(OutputCode(codes[0]).kernels)
    return Trace(
        code=codes[0],
        sources=recorder.graphs[0],
        helpers=helper_text(),
        torch=str(torch.__version__),
        device=torch.cuda.get_device_name() if device == "cuda" else device,
        single=given.single,
        order=order,
        configs=blocks_of(names),
    )


def worst_error(results: list[torch.Tensor], given: Sample, precision: str) -> float:
    """Return the largest error, 1 being what the check of candidates allows (compare.py)."""
    worst = 0.0
    for got, want, own in zip(results, given.exact, given.results, strict=True):
        if got.shape != own.shape or got.dtype != own.dtype:
            return float("inf")
        if not own.is_floating_point():
            worst = max(worst, 0.0 if torch.equal(got, own) else float("inf"))
            continue
        wide = want.double()
        step = STEPS[precision] * wide.abs().clamp_min(float(wide.square().mean().sqrt()) + 1e-300)
        most = float((own.double() - wide).abs().nan_to_num(0.0, 0.0, 0.0).max())
        allowed = torch.maximum(step, (MOST_STEPS * step).clamp_max(FACTOR * most))
        error = (got.double() - wide).abs() / allowed
        error = torch.where(got.double() == wide, torch.zeros_like(error), error)
        worst = max(worst, float(error.nan_to_num(float("inf")).max()))
    return worst


def check(text: str, file: str, reference: Reference, given: Sample) -> float:
    """Run a candidate's text on the sample; return its error as worst_error does.

    Raises Refusal when it is wrong.
    """
    space = load(text, file, "kernelsmith_seed")
    arguments = reference.init_arguments()
    candidate = space["ModelNew"]
    model = candidate(**arguments) if isinstance(arguments, dict) else candidate(*arguments)
    missing = model.load_state_dict(given.model.state_dict(), strict=False).missing_keys
    own = {name for name, _ in model.named_parameters()}
    if own & set(missing):
        raise Refusal(f"no value for its parameters {', '.join(sorted(own & set(missing)))}")
    model.to(next((v.device for v in given.inputs if isinstance(v, torch.Tensor)), "cpu"))
    with torch.no_grad():
        results = flatten(model(*given.inputs))
    if len(results) != len(given.results):
        raise Refusal(f"it gives {len(results)} tensors in place of {len(given.results)}")
    error = worst_error(results, given, reference.precision)
    if error > 1.0:
        raise Refusal(f"the result is off by {error:.1e} times what the check allows")
    return error


@contextlib.contextmanager
def quiet() -> Any:
    """Keep torch's remarks away from people."""
    import logging
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
