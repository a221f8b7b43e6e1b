"""The trusted side of timed calls.

Inputs are secret until `reveal` and outputs count as they lie there at `snapshot`; the clock of
ksmith runs from before the one to after the other, so that nothing can be done outside of it.
"""

from __future__ import annotations

from typing import Any

import torch

from kernelsmith.modules.compare import compare
from kernelsmith.modules.device import this_device
from kernelsmith.modules.layout import Form, Layout, same_bits
from kernelsmith.modules.memory import SharedMemory, create_memory
from kernelsmith.modules.model import Reference, Value


class Side:
    """The memory of one process, and what it held when its answer came."""

    def __init__(self, memory: SharedMemory) -> None:
        """Begin with nothing kept."""
        self.memory = memory
        self.outputs: list[list[torch.Tensor]] = []


class TimedCalls:
    """Sets of inputs for timed calls, in one memory a side. Single thread."""

    def __init__(
        self,
        reference: Reference,
        model: torch.nn.Module,
        forms: list[Form],
        inputs: list[Value],
        request: dict[str, Any],
    ) -> None:
        """Make the memories; `request` bounds their number and size."""
        self.reference, self.model, self.forms = reference, model, forms
        one = Layout(model, [inputs], forms, 256)
        sides = int(request["sides"])
        most = int(request["memory_bytes"])
        if free := this_device().free_bytes():
            most = min(most, free // (4 * sides))
        sets = max(1, min(int(request["sets"]), most // max(one.bytes, 1)))
        self.drawn = [inputs] * sets
        self.layout = Layout(model, self.drawn, forms, 256)
        self.sides: list[Side] = []
        self.descriptors: list[int] = []
        for _ in range(sides):
            memory, descriptor = create_memory(self.layout.bytes)
            self.layout.write_weights(memory, model)
            self.descriptors.append(descriptor)
            self.sides.append(Side(memory))
            self.reveal(len(self.sides) - 1)  # for warming up

    def describe(self) -> dict[str, Any]:
        """Return what the other sides must know."""
        return {"staged": len(self.drawn), **self.layout.to_json(self.drawn)}

    def sow(self, seed: int) -> None:
        """Draw new inputs for every set."""
        self.drawn = [self.reference.new_inputs(seed + i) for i in range(len(self.drawn))]
        this_device().synchronize()

    def reveal(self, side: int) -> None:
        """Write the inputs, poison the outputs."""
        for index, values in enumerate(self.drawn):
            self.layout.write_set(self.sides[side].memory, index, values)
        this_device().synchronize()

    def snapshot(self, side: int) -> None:
        """Copy all outputs; what is written later does not count."""
        one = self.sides[side]
        one.outputs = [
            [one.memory.tensor(place).clone() for place in outputs]
            for _, outputs in self.layout.sets
        ]
        this_device().synchronize()

    def judge(self, side: int, exact: list[int], errors: list[float]) -> dict[str, Any]:
        """Compare the snapshot: the sets of `exact` with fp64, the others with the plain result."""
        one = self.sides[side]
        for index, (values, (places, outputs)) in enumerate(
            zip(self.drawn, self.layout.sets, strict=True)
        ):
            for place, value in zip(places, values, strict=True):
                if place is not None and not same_bits(one.memory.tensor(place), value):
                    return {"verdict": "input_changed", "what": place.name}
            plain = self.reference.run(self.model, values)
            want = self.reference.run_double(self.model, values) if index in exact else None
            for number, place in enumerate(outputs):
                got = one.outputs[index][number]
                known = errors[number] if number < len(errors) else 0.0
                wanted = (plain[number], known) if want is None else (want[number], 0.0)
                precision = self.reference.precision
                wrong = compare(got, wanted[0], plain[number], precision, wanted[1])
                if wrong is not None:
                    return {"verdict": "wrong", "what": place.name, **wrong}
        return {"verdict": "passed"}
