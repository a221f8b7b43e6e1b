"""Timed calls in a candidate's process: the loop, and what the device did meanwhile.

The times taken here are only believed where ksmith's own clock agrees with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from kernelsmith.modules.answer import answer_into
from kernelsmith.modules.device import this_device
from kernelsmith.modules.memory import Place, SharedMemory

# Of an answer; a call starts some hundreds of kernels at most.
MOST_NAMES = 4096

Forward = Callable[[list[Any]], Any]


@dataclass
class Set:
    """Inputs of one call and where its outputs go."""

    inputs: list[Any]
    memory: SharedMemory
    places: list[Place]


class Repeater:
    """Runs one module again and again. Single thread."""

    def __init__(self, forward: Forward | None, sets: list[Set]) -> None:
        """Take the sets to call it with; no module: everything but the call is done."""
        self.forward, self.sets = forward, sets
        memory = sets[0].memory
        self.nothing = [memory.tensor(place).clone() for place in sets[0].places]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.fixed: list[torch.Tensor] = []  # inputs of the graph
        self.result: Any = None  # its outputs

    def _call(self, one: Set) -> Any:
        return self.nothing if self.forward is None else self.forward(one.inputs)

    def capture(self) -> bool:
        """Record a call as a CUDA graph, which `run` replays; False: it cannot be one.

        The graph reads inputs at places of its own, to which those of a call are copied before it
        is timed. Without a module there is nothing to record, but the copies are made.
        """
        inputs = [v for v in self.sets[0].inputs if isinstance(v, torch.Tensor)]
        if not this_device().is_cuda or len(inputs) < len(self.sets[0].inputs):
            return False
        self.fixed = [value.clone() for value in inputs]
        if self.forward is None:
            return True
        graph = torch.cuda.CUDAGraph()
        try:
            torch.cuda.synchronize()
            with torch.cuda.graph(graph):
                self.result = self.forward(self.fixed)
            graph.replay()
            torch.cuda.synchronize()
        except Exception:
            return False
        self.graph = graph
        return True

    def _run_graph(self, one: Set, begin: Any, end: Any) -> None:
        device = this_device()
        for fixed, value in zip(self.fixed, one.inputs, strict=True):
            fixed.copy_(value)
        device.flush()
        device.synchronize()
        begin.record()
        if self.graph is not None:
            self.graph.replay()
        end.record()
        device.synchronize()
        result = self.nothing if self.graph is None else self.result
        answer_into(one.memory, one.places, result, self.fixed)

    def take_numbers(self, order: list[int], numbers: list[list[Any]]) -> None:
        """Put the numbers of the next calls among the inputs of the listed sets."""
        for index, values in zip(order, numbers, strict=True):
            one, rest = self.sets[index], iter(values)
            one.inputs = [v if isinstance(v, torch.Tensor) else next(rest) for v in one.inputs]

    def run(self, order: list[int]) -> list[float]:
        """Call the listed sets; return the device's time of each in nanoseconds."""
        device = this_device()
        marks = [(device.event(), device.event()) for _ in order]
        for index, (begin, end) in zip(order, marks, strict=True):
            one = self.sets[index]
            if self.fixed:
                self._run_graph(one, begin, end)
                continue
            device.flush()
            device.synchronize()
            begin.record()
            result = self._call(one)
            end.record()
            device.synchronize()
            known = [value for value in one.inputs if isinstance(value, torch.Tensor)]
            answer_into(one.memory, one.places, result, known)
        device.synchronize()
        return [begin.elapsed_time(end) * 1e6 for begin, end in marks]

    def trace(self, index: int) -> list[dict[str, Any]]:
        """Return what ran on the device, on all streams, during one call."""
        from torch.profiler import ProfilerActivity, profile

        device = this_device()
        device.synchronize()
        with profile(activities=[ProfilerActivity.CUDA]) as record:
            self._call(self.sets[index])
            device.synchronize()
        found: dict[str, dict[str, Any]] = {}
        for event in record.profiler.kineto_results.events():
            if str(event.device_type()) != "DeviceType.CUDA":
                continue
            name = event.name()[:200]
            entry = found.setdefault(name, {"name": name, "count": 0, "ns": 0})
            entry["count"] += 1
            entry["ns"] += event.duration_ns()
        return sorted(found.values(), key=lambda entry: -entry["ns"])[:MOST_NAMES]
