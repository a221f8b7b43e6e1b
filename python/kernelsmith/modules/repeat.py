"""Timed calls in a candidate's process: the loop, and what the device did meanwhile.

The times taken here are only believed where ksmith's own clock agrees with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from kernelsmith.modules.answer import answer_into
from kernelsmith.modules.beat import Beat
from kernelsmith.modules.device import this_device
from kernelsmith.modules.memory import Place, SharedMemory

# Of an answer; a call starts some hundreds of kernels at most.
MOST_NAMES = 4096

Forward = Callable[[list[Any]], Any]


@dataclass
class Slot:
    """Inputs of a call and where its outputs go."""

    inputs: list[Any]
    memory: SharedMemory
    places: list[Place]


class Repeater:
    """Runs one module again and again. Single thread."""

    def __init__(self, forward: Forward | None, slots: list[Slot]) -> None:
        """Take the places to call it with; no module: everything but the call is done."""
        self.forward, self.slots = forward, slots
        one = slots[0]
        self.nothing = [one.memory.tensor(place).clone() for place in one.places]
        self.graph: torch.cuda.CUDAGraph | None = None
        self.result: Any = None  # outputs of the graph
        self.copies: torch.cuda.CUDAGraph | None = None  # of them to their places

    def capture(self) -> bool:
        """Record a call as a CUDA graph, which `run` replays; False: it cannot be one."""
        inputs = self.slots[0].inputs
        if not this_device().is_cuda or not all(isinstance(v, torch.Tensor) for v in inputs):
            return False
        graph, copies = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        try:
            torch.cuda.synchronize()
            if self.forward is not None:
                with torch.cuda.graph(graph):
                    self.result = self.forward(inputs)
                graph.replay()
                self.graph = graph
                self.warm()  # looks at the outputs
            with torch.cuda.graph(copies):
                self._copy(self.nothing if self.forward is None else self.result)
            copies.replay()
            torch.cuda.synchronize()
        except Exception:
            self.graph = None
            return False
        self.copies = copies
        return True

    def _copy(self, result: Any) -> None:
        """Copy outputs that were looked at: a graph's stay where and what they are."""
        one = self.slots[0]
        values = result if isinstance(result, list | tuple) else [result]
        for place, value in zip(one.places, values, strict=True):
            one.memory.tensor(place).copy_(value)

    def call(self, one: Slot, begin: Any, end: Any) -> None:
        """Make one call between two marks, and copy its outputs to their places."""
        begin.record()
        result = self._result(one)
        end.record()
        device = this_device()
        if self.copies is not None:
            self.copies.replay()
        else:
            device.synchronize()
            known = [value for value in one.inputs if isinstance(value, torch.Tensor)]
            answer_into(one.memory, one.places, result, known)
        device.synchronize()

    def _result(self, one: Slot) -> Any:
        if self.graph is not None:
            self.graph.replay()
            return self.result
        return self.nothing if self.forward is None else self.forward(one.inputs)

    def warm(self) -> None:
        """Make a call that nobody waits for."""
        self.call(self.slots[0], this_device().event(), this_device().event())

    def run(self, beat: Beat, first: int, calls: int) -> list[float]:
        """Make calls when the trusted side says so; return the device's nanoseconds of each."""
        device = this_device()
        marks = [(device.event(), device.event()) for _ in range(calls)]
        try:
            for number, (begin, end) in enumerate(marks, first):
                slot, values = beat.await_go(number)
                self.take_numbers(self.slots[slot], values)
                self.call(self.slots[slot], begin, end)
                beat.done(number)
        except BaseException:
            beat.abort()
            raise
        return [begin.elapsed_time(end) * 1e6 for begin, end in marks]

    def take_numbers(self, one: Slot, numbers: list[Any]) -> None:
        """Put the numbers of the next call among its inputs."""
        rest = iter(numbers)
        one.inputs = [v if isinstance(v, torch.Tensor) else next(rest) for v in one.inputs]

    def trace(self) -> list[dict[str, Any]]:
        """Return what ran on the device, on all streams, during one call."""
        from torch.profiler import ProfilerActivity, profile

        device = this_device()
        device.synchronize()
        with profile(activities=[ProfilerActivity.CUDA]) as record:
            self._result(self.slots[0])
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
