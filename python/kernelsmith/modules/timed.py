"""The trusted side of timed calls.

Inputs are secret until `reveal` and outputs count as they lie there at `snapshot`; the clock of
ksmith runs from before the one to after the other, so that nothing can be done outside of it.
"""

from __future__ import annotations

import os
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
        self.outputs: dict[int, list[torch.Tensor]] = {}


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
        # By set, the plain result and, where it was asked for, that in fp64: for both sides.
        self.expected: dict[int, tuple[list[torch.Tensor], list[torch.Tensor] | None]] = {}
        self.layout = Layout(model, self.drawn, forms, 256)
        self.sides: list[Side] = []
        self.descriptors: list[int] = []
        try:
            for _ in range(sides):
                self._add_side()
        except BaseException:
            for descriptor in self.descriptors:
                os.close(descriptor)
            raise

    def _add_side(self) -> None:
        memory, descriptor = create_memory(self.layout.bytes)
        self.descriptors.append(descriptor)
        self.layout.write_weights(memory, self.model)
        self.sides.append(Side(memory))
        self.reveal(len(self.sides) - 1, list(range(len(self.drawn))))  # for warming up

    def describe(self) -> dict[str, Any]:
        """Return what the other sides must know."""
        return {"staged": len(self.drawn), **self.layout.to_json(self.drawn)}

    def sow(self, seed: int, sets: int) -> None:
        """Draw new inputs for the first sets."""
        self.expected = {}
        self.drawn[:sets] = [self.reference.new_inputs(seed + i) for i in range(sets)]
        this_device().synchronize()

    def reveal(self, side: int, order: list[int]) -> None:
        """Write the inputs of these sets, poison their outputs."""
        for index in order:
            self.layout.write_set(self.sides[side].memory, index, self.drawn[index])
        this_device().synchronize()

    def numbers(self, order: list[int]) -> list[list[Value]]:
        """Return what of the inputs of these sets lies in no memory."""
        return [
            [value for value in self.drawn[index] if not isinstance(value, torch.Tensor)]
            for index in order
        ]

    def snapshot(self, side: int, order: list[int]) -> None:
        """Copy the outputs of these sets; what is written later does not count."""
        memory = self.sides[side].memory
        self.sides[side].outputs = {
            index: [memory.tensor(place).clone() for place in self.layout.sets[index][1]]
            for index in order
        }
        this_device().synchronize()

    def judge(
        self, side: int, sets: list[int], exact: list[int], errors: list[float]
    ) -> dict[str, Any]:
        """Compare these sets of the snapshot: those of `exact` with fp64, others with the plain."""
        for index in sets:
            got = self.sides[side].outputs[index]
            verdict = self._judge_set(side, index, got, index in exact, errors)
            if verdict is not None:
                return verdict
        return {"verdict": "passed"}

    def _expect(
        self, index: int, exact: bool
    ) -> tuple[list[torch.Tensor], list[torch.Tensor] | None]:
        """Return what is right for a set, kept until other inputs are drawn."""
        plain, want = self.expected.get(index, (None, None))
        if plain is None:
            plain = self.reference.run(self.model, self.drawn[index])
        if exact and want is None:
            want = self.reference.run_double(self.model, self.drawn[index])
        self.expected[index] = (plain, want)
        return plain, want if exact else None

    def _judge_set(
        self, side: int, index: int, got: list[torch.Tensor], exact: bool, errors: list[float]
    ) -> dict[str, Any] | None:
        values, (places, outputs) = self.drawn[index], self.layout.sets[index]
        for place, value in zip(places, values, strict=True):
            if place is not None:
                assert isinstance(value, torch.Tensor)
                if not same_bits(self.sides[side].memory.tensor(place), value):
                    return {"verdict": "input_changed", "what": place.name}
        plain, want = self._expect(index, exact)
        precision = self.reference.precision
        for number, place in enumerate(outputs):
            known = errors[number] if number < len(errors) else 0.0
            if want is None:
                wrong = compare(got[number], plain[number], plain[number], precision, known)
            else:
                wrong = compare(got[number], want[number], plain[number], precision)
            if wrong is not None:
                return {"verdict": "wrong", "what": place.name, **wrong}
        return None
