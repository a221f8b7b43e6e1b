"""The reference's side of a module: makes weights and inputs, computes what is expected."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from typing import Any

import torch

from kernelsmith.modules.device import this_device
from kernelsmith.modules.memory import NAMES
from kernelsmith.modules.source import Problem, is_out_of_memory, load, problem_of

PARTS = ("Model", "get_inputs", "get_init_inputs")
# Constant when they are made, but not meant to be: a candidate could leave them out.
STATISTICS = ("running_mean", "running_var")

# What torch.nn.Module keeps for itself.
MODULE_OWN = frozenset(vars(torch.nn.Module()))

Value = torch.Tensor | int | float | bool


def flatten(result: Any) -> list[torch.Tensor]:
    """Return the tensors of what forward gave: a tensor, or a tuple or list of them."""
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, tuple | list) and result:
        return [tensor for part in result for tensor in flatten(part)]
    raise Problem(
        "outputs",
        f"forward gives {type(result).__name__}; give a tensor, or a tuple or list of tensors",
    )


def is_plain_number(value: float) -> bool:
    """Whether a number stays what it is in a message."""
    return math.isfinite(value) if isinstance(value, float) else -(1 << 63) <= value < 1 << 63


def as_plain(value: Any) -> Any:
    """Return an argument of the constructor as JSON knows it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        if is_plain_number(value):
            return value
        raise Problem("init", f"get_init_inputs gives {value}; finite numbers of 64 bits can be")
    if isinstance(value, list | tuple):
        return [as_plain(part) for part in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: as_plain(part) for key, part in value.items()}
    raise Problem(
        "init",
        f"get_init_inputs gives {type(value).__name__}; numbers, texts, lists and dicts can be "
        "handed to another process",
    )


def check_inputs(inputs: Any) -> list[Value]:
    """Refuse what cannot be handed over as memory or as a number."""
    if not isinstance(inputs, list | tuple) or not inputs:
        raise Problem("inputs", "get_inputs must give a list with at least one tensor")
    for index, value in enumerate(inputs):
        if isinstance(value, torch.Tensor):
            if value.dtype not in NAMES:
                raise Problem("inputs", f"input {index} is {value.dtype}, which is not supported")
        elif not isinstance(value, bool | int | float):
            kind = type(value).__name__
            raise Problem("inputs", f"input {index} is a {kind}; tensors and numbers can be given")
        elif not is_plain_number(value):
            raise Problem("inputs", f"input {index} is {value}; finite numbers of 64 bits can be")
    if not any(isinstance(value, torch.Tensor) for value in inputs):
        raise Problem("inputs", "no input is a tensor")
    return list(inputs)


def sow(seed: int) -> None:
    """Seed every generator that a module may draw from."""
    random.seed(seed)
    torch.manual_seed(seed & 0x7FFFFFFFFFFFFFFF)
    try:
        import numpy

        numpy.random.seed(seed & 0xFFFFFFFF)
    except ImportError:
        return


def vary_constants(model: torch.nn.Module) -> None:
    """Give every parameter that is one constant (a zero bias, a scale of ones) content."""
    state = [(name, tensor, True) for name, tensor in model.named_parameters()]
    state += [
        (name, tensor, False)
        for name, tensor in model.named_buffers()
        if name.rpartition(".")[2] in STATISTICS
    ]
    for _, tensor, _ in state:
        if tensor.numel() == 0 or not tensor.is_floating_point():
            continue
        first = tensor.detach().flatten()[0]
        if not bool(torch.isfinite(first)) or not bool((tensor == first).all()):
            continue
        if float(first) == 0.0:
            tensor.data.add_(0.1 * torch.randn_like(tensor))
        else:
            tensor.data.mul_(0.75 + 0.5 * torch.rand_like(tensor))


def clones(inputs: list[Value]) -> list[Value]:
    """Return copies of inputs."""
    return [v.clone() if isinstance(v, torch.Tensor) else v for v in inputs]


def state_of(model: torch.nn.Module) -> list[tuple[str, Any]]:
    """Return what a call might change: copies of tensors, plain values, the extent of the rest."""
    found: list[tuple[str, Any]] = []
    for path, part in model.named_modules():
        own = [*part._parameters.items(), *part._buffers.items()]
        own += [(k, v) for k, v in vars(part).items() if k not in MODULE_OWN]
        for name, value in own:
            kept = value
            if isinstance(value, torch.Tensor):
                kept = value.detach().clone()
            elif isinstance(value, list | tuple | dict | set):
                kept = (type(value), len(value))
            elif not isinstance(value, int | float | str | bool | None):
                kept = id(value)
            found.append((f"{path}.{name}", kept))
    return found


def same_state(left: list[tuple[str, Any]], right: list[tuple[str, Any]]) -> bool:
    """Whether two states are the same, tensors bit by bit."""
    if [name for name, _ in left] != [name for name, _ in right]:
        return False
    for (_, a), (_, b) in zip(left, right, strict=True):
        if isinstance(a, torch.Tensor) != isinstance(b, torch.Tensor):
            return False
        if not isinstance(a, torch.Tensor):
            if a != b:
                return False
        elif a.shape != b.shape or a.dtype != b.dtype or not same_values(a, b):
            return False
    return True


def same_values(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors of one form hold the same; NaN is like NaN."""
    return bool(((a == b) | ((a != a) & (b != b))).all())


class Reference:
    """One module file. Single thread."""

    def __init__(self, source: str, file: str) -> None:
        """Execute the file; it must have the form of a module."""
        self.file = file
        self.space = load(source, file, "kernelsmith_reference")
        missing = [part for part in PARTS if not callable(self.space.get(part))]
        if missing:
            raise Problem("form", f"no {', no '.join(missing)} in {file}")
        if not issubclass(self.space["Model"], torch.nn.Module):
            raise Problem("form", "Model is not a torch.nn.Module")
        self.precision = self.space.get("PRECISION", "fp32")
        self.has_double: bool | None = None  # not known
        self.is_pure = False  # as far as known
        self._double: tuple[torch.nn.Module, torch.nn.Module] | None = None  # a model and its twin

    def set_sizes(self, sizes: dict[str, Any]) -> None:
        """Replace constants of the file."""
        self.space.update(sizes)

    def _call(self, phase: str, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (Exception, SystemExit) as error:
            raise problem_of(phase, error, self.file) from error

    def init_arguments(self) -> Any:
        """Return what the constructor is called with, plain values only."""
        arguments = self._call("init", self.space["get_init_inputs"])
        if not isinstance(arguments, list | tuple | dict):
            raise Problem("init", "get_init_inputs must give a list")
        return as_plain(arguments)

    def new_model(self, seed: int) -> torch.nn.Module:
        """Return a model with weights from `seed`."""
        return self._on_device(seed, self._make_model)

    def _make_model(self) -> torch.nn.Module:
        arguments = self.init_arguments()
        if isinstance(arguments, dict):
            model = self._call("init", lambda: self.space["Model"](**arguments))
        else:
            model = self._call("init", lambda: self.space["Model"](*arguments))
        model = self._call("init", lambda: model.to(this_device().name))
        vary_constants(model)
        return model

    @staticmethod
    def _on_device(seed: int, make: Callable[[], Any]) -> Any:
        """Return what is drawn from `seed`: on the device, or where the module insists on it."""
        sow(seed)
        try:
            with torch.device(this_device().name):
                return make()
        except Problem as problem:
            if not this_device().is_cuda or problem.phase == "memory":
                raise
        sow(seed)  # a generator of the processor's, say, draws nothing elsewhere
        return make()

    def new_inputs(self, seed: int) -> list[Value]:
        """Return inputs from `seed`."""
        inputs = self._on_device(
            seed, lambda: check_inputs(self._call("inputs", self.space["get_inputs"]))
        )
        return [
            v.to(this_device().name).contiguous() if isinstance(v, torch.Tensor) else v
            for v in inputs
        ]

    def run(self, model: torch.nn.Module, inputs: list[Value]) -> list[torch.Tensor]:
        """Return the outputs; neither model nor inputs change."""
        if not self.is_pure:
            model, inputs = copy.deepcopy(model), clones(inputs)
        with torch.no_grad():
            return flatten(self._call("forward", model, *inputs))

    def learn_purity(self, model: torch.nn.Module, inputs: list[Value]) -> None:
        """Find out whether a call leaves model and inputs as they are: then it needs no copies."""
        own, copies = copy.deepcopy(model), clones(inputs)
        before = state_of(own)
        with torch.no_grad():
            self._call("forward", own, *copies)
        untouched = all(
            same_values(a, b)
            for a, b in zip(inputs, copies, strict=True)
            if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor)
        )
        self.is_pure = untouched and same_state(before, state_of(own))

    def run_double(self, model: torch.nn.Module, inputs: list[Value]) -> list[torch.Tensor] | None:
        """Return the outputs in fp64; None: the module insists on another precision.

        The first call, which the gate makes, says whether there is room for fp64. Where there was,
        and is none later, somebody else took it.
        """
        if self.has_double is False:
            return None
        try:
            outputs = self._run_double(model, inputs)
        except Exception as error:
            if self.has_double and is_out_of_memory(error):
                raise problem_of("oracle", error, self.file) from error
            self.has_double = self.has_double or False
            return None
        self.has_double = True
        return outputs

    def _run_double(self, model: torch.nn.Module, inputs: list[Value]) -> list[torch.Tensor]:
        own = self._double_of(model)
        copies = [
            v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v
            for v in clones(inputs)
        ]
        torch.set_default_dtype(torch.float64)
        try:
            with torch.no_grad():
                return flatten(own(*copies))
        finally:
            torch.set_default_dtype(torch.float32)

    def _double_of(self, model: torch.nn.Module) -> torch.nn.Module:
        """Return a copy in fp64; the last one again where calls do not change it."""
        if self._double is None or self._double[0] is not model or not self.is_pure:
            self._double = None
            self._double = (model, copy.deepcopy(model).double())
        return self._double[1]

    def forget(self) -> None:
        """Let go of what is only kept to be quick."""
        self._double = None
