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
from kernelsmith.modules.source import problem_of

Forward = Callable[[list[Any]], Any]

GRAPH_WARM_CALLS = 3


@dataclass
class Set:
    """Inputs of one call and where its outputs go."""

    inputs: list[Any]
    memory: SharedMemory
    places: list[Place]


class Graph:
    """A module's call as a CUDA graph, made by the harness, on inputs of its own."""

    def __init__(self, forward: Forward, inputs: list[Any]) -> None:
        """Capture one call."""
        self.inputs = [v.clone() if isinstance(v, torch.Tensor) else v for v in inputs]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(GRAPH_WARM_CALLS):
                forward(self.inputs)
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        self.graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(self.graph):
                self.result = forward(self.inputs)
        except Exception as error:
            raise problem_of("graph", error, "") from error

    def take(self, inputs: list[Any]) -> None:
        """Copy the inputs of the next call to where the graph reads them."""
        for own, value in zip(self.inputs, inputs, strict=True):
            if isinstance(own, torch.Tensor):
                own.copy_(value)

    def replay(self) -> Any:
        """Run the call."""
        self.graph.replay()
        return self.result


class Repeater:
    """Runs one module again and again. Single thread."""

    def __init__(self, forward: Forward | None, sets: list[Set], as_graph: bool) -> None:
        """Take the sets to call it with; no module: everything but the call is done."""
        self.forward, self.sets = forward, sets
        self.graph = Graph(forward, sets[0].inputs) if as_graph and forward is not None else None
        self.stand_in = [v.clone() if isinstance(v, torch.Tensor) else v for v in sets[0].inputs]
        self.takes_copies = as_graph
        memory = sets[0].memory
        self.nothing = [memory.tensor(place).clone() for place in sets[0].places]

    def _call(self, one: Set) -> Any:
        if self.forward is None:
            return self.nothing
        return self.graph.replay() if self.graph is not None else self.forward(one.inputs)

    def _take(self, one: Set) -> None:
        if self.graph is not None:
            self.graph.take(one.inputs)
        elif self.takes_copies:  # as much work as with a graph
            for own, value in zip(self.stand_in, one.inputs, strict=True):
                if isinstance(own, torch.Tensor):
                    own.copy_(value)

    def run(self, order: list[int]) -> list[float]:
        """Call the listed sets; return the device's time of each in nanoseconds."""
        device = this_device()
        marks = [(device.event(), device.event()) for _ in order]
        for index, (begin, end) in zip(order, marks, strict=True):
            one = self.sets[index]
            self._take(one)
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
        return sorted(found.values(), key=lambda entry: -entry["ns"])[:64]
