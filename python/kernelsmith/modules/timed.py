"""The trusted side of timed calls.

Inputs are secret until the call that they are for: the clock starts, they are written, the caches
are flushed, the other side is told to go, and the clock runs until what lies in the outputs is
copied. So nothing can be done outside of it, and nothing of it can be left out.
"""

from __future__ import annotations

import os
import random
import time
from typing import Any

import torch

from kernelsmith.modules.beat import Aborted, Beat, Late, create_beat
from kernelsmith.modules.compare import compare
from kernelsmith.modules.device import this_device
from kernelsmith.modules.layout import Form, Layout, same_bits
from kernelsmith.modules.memory import SharedMemory, create_memory
from kernelsmith.modules.model import Reference, Value


class Side:
    """The memory of one process, and what it held when its answers came."""

    def __init__(self, memory: SharedMemory, beat: Beat) -> None:
        """Begin with nothing kept."""
        self.memory, self.beat = memory, beat
        self.outputs: list[list[torch.Tensor]] = []  # by call of the last run
        self.changed = ""  # an input that was not left as it was


class TimedCalls:
    """Sets of inputs for timed calls, which come one by one to one memory a side. Single thread."""

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
        slots = int(request["slots"])
        one = Layout(model, [inputs] * slots, forms, 256)
        sides = int(request["sides"])
        most = int(request["memory_bytes"])
        if free := this_device().free_bytes():
            most = min(most, free // (4 * sides))
        sets = max(1, min(int(request["sets"]), most // max(one.bytes, 1)))
        self.drawn = [inputs] * sets
        # By set, the plain result and, where it was asked for, that in fp64: for both sides.
        self.expected: dict[int, tuple[list[torch.Tensor], list[torch.Tensor] | None]] = {}
        self.layout = one
        self.slots = slots
        self._chance = random.SystemRandom()
        self.sides: list[Side] = []
        self.descriptors: list[int] = []  # of each side: memory, beat
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
        beat, descriptor = create_beat()
        self.descriptors.append(descriptor)
        self.layout.write_weights(memory, self.model)
        for slot in range(self.slots):
            self.layout.write_set(memory, slot, self.drawn[0])  # for warming up
        self.sides.append(Side(memory, beat))

    def describe(self) -> dict[str, Any]:
        """Return what the other sides must know."""
        this_device().synchronize()
        described = self.layout.to_json(self.drawn[:1] * self.slots)
        return {"staged": len(self.drawn), "slots": described.pop("sets"), **described}

    def sow(self, seed: int, sets: int) -> None:
        """Draw new inputs for the first sets."""
        self.expected = {}
        self.drawn[:sets] = [self.reference.new_inputs(seed + i) for i in range(sets)]
        this_device().synchronize()

    def lead(
        self, side: int, first: int, calls: int, watched: int, timeout_s: float
    ) -> dict[str, Any]:
        """Give the first sets to a side, one after the other, each to a slot that chance picks.

        `first` numbers the calls on the page, so that none is taken for an earlier one. After the
        watched call, which nobody else knows, inputs must be what they were. Returns nanoseconds of
        each call: of getting ready for it, from "go" to "done", and until its outputs are copied;
        fewer than `calls` when the other side gave up or gave no sign.
        """
        one = self.sides[side]
        one.outputs, one.changed = [], ""
        times: dict[str, list[int]] = {"ready": [], "led": [], "kept": []}
        try:
            for call in range(calls):
                slot = self._chance.randrange(self.slots)
                began = time.perf_counter_ns()
                self._give(one, slot, call)
                start = time.perf_counter_ns()
                one.beat.go(first + call, slot, self._numbers(call))
                one.beat.await_done(first + call, timeout_s)
                done = time.perf_counter_ns()
                self.snapshot(side, slot)
                times["ready"].append(start - began)
                times["led"].append(done - start)
                times["kept"].append(time.perf_counter_ns() - done)
                if call == watched:
                    one.changed = self._changed(one, slot, call)
        except (Aborted, Late):
            one.beat.abort()
        except BaseException:
            one.beat.abort()
            raise
        return times

    def _give(self, one: Side, slot: int, index: int) -> None:
        """Poison the outputs, write the inputs of a set, empty the caches."""
        self.layout.write_set(one.memory, slot, self.drawn[index])
        this_device().flush()
        this_device().synchronize()

    def _numbers(self, index: int) -> list[Value]:
        """Return what of the inputs of a set lies in no memory."""
        return [value for value in self.drawn[index] if not isinstance(value, torch.Tensor)]

    def snapshot(self, side: int, slot: int) -> None:
        """Copy what lies in the outputs; what is written later does not count."""
        one = self.sides[side]
        one.outputs.append([one.memory.tensor(p).clone() for p in self.layout.sets[slot][1]])
        this_device().synchronize()

    def _changed(self, one: Side, slot: int, index: int) -> str:
        places = self.layout.sets[slot][0]
        for place, value in zip(places, self.drawn[index], strict=True):
            if place is not None:
                assert isinstance(value, torch.Tensor)
                if not same_bits(one.memory.tensor(place), value):
                    return place.name
        return ""

    def judge(
        self, side: int, sets: list[int], exact: list[int], errors: list[float]
    ) -> dict[str, Any]:
        """Compare outputs of the last run: those of `exact` with fp64, others with the plain."""
        one = self.sides[side]
        if one.changed:
            return {"verdict": "input_changed", "what": one.changed}
        for index in sets:
            verdict = self._judge_set(index, one.outputs[index], index in exact, errors)
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
        self, index: int, got: list[torch.Tensor], exact: bool, errors: list[float]
    ) -> dict[str, Any] | None:
        plain, want = self._expect(index, exact)
        precision = self.reference.precision
        for number, place in enumerate(self.layout.sets[0][1]):
            known = errors[number] if number < len(errors) else 0.0
            if want is None:
                wrong = compare(got[number], plain[number], plain[number], precision, known)
            else:
                wrong = compare(got[number], want[number], plain[number], precision)
            if wrong is not None:
                return {"verdict": "wrong", "what": place.name, **wrong}
        return None
