"""The trusted side: draws weights and inputs from secret seeds, and judges what came back.

What is expected is computed here, after the candidate has answered, from private copies.
"""

from __future__ import annotations

import os
import random
from typing import Any

import torch

from kernelsmith.modules.channel import Channel, Message
from kernelsmith.modules.compare import compare, worst_error
from kernelsmith.modules.device import this_device
from kernelsmith.modules.gate import Gate
from kernelsmith.modules.layout import Form, Layout, same_bits
from kernelsmith.modules.memory import SharedMemory, create_memory
from kernelsmith.modules.model import Reference, Value
from kernelsmith.modules.reduce import choose_sizes
from kernelsmith.modules.source import Problem, problem_of
from kernelsmith.modules.timed import TimedCalls

# Before the first tensor of a call's memory lie so many bytes at most, in such steps.
MOST_GAPS = 64
GAP = 256


class Call:
    """One call of the candidate: what it was given and where it answers."""

    def __init__(self, model: torch.nn.Module, inputs: list[Value]) -> None:
        """Keep private copies."""
        self.model, self.inputs = model, inputs
        self.memory: SharedMemory | None = None  # while it is not judged
        self.layout: Layout
        self.passed = False


class Server:
    """One module and its calls. Single thread."""

    def __init__(self) -> None:
        """Begin without a module."""
        self.reference: Reference | None = None
        self.model: torch.nn.Module | None = None
        self.calls: dict[int, Call] = {}  # of the present weights
        self.drawn = 0
        self.forms: list[Form] = []  # of the outputs, once they are known
        self.gap = 256
        self.memory: SharedMemory | None = None  # of the calls of one candidate
        self.memory_bytes = 0
        self.timed: TimedCalls | None = None
        self.worst: list[float] = []  # error of the declared precision so far, an output each
        self.outgoing: list[int] = []  # files to send with the next answer

    def answer(self, request: Message, files: list[int]) -> Message:
        """Do what a message asks."""
        action = getattr(self, f"do_{request['op']}")
        return action(request, files)

    def do_describe(self, request: Message, files: list[int]) -> Message:
        """Say what the device is."""
        return {"device": this_device().describe()}

    def do_open(self, request: Message, files: list[int]) -> Message:
        """Load a module file and choose its sizes."""
        reference = Reference(request["source"], request["file"])
        if request.get("chosen"):  # by the process that opened it first, whatever is free now
            self.chosen = request["chosen"]
            reference.set_sizes(self.chosen["sizes"])
        else:
            # A device's own memory is the limit there; the host's does not matter.
            memory_bytes = this_device().free_bytes() or int(request["memory_bytes"])
            self.chosen = choose_sizes(reference, memory_bytes, request["workload"] == "full")
        self.reference = reference
        this_device().set_precision(str(reference.precision))
        return {"init": reference.init_arguments(), "precision": reference.precision, **self.chosen}

    def do_gate(self, request: Message, files: list[int]) -> Message:
        """Run the admission gate."""
        gate = Gate(self._opened())
        checks = gate.run()
        this_device().release()
        return {
            "checks": checks,
            "admitted": all(check["passed"] for check in checks),
            "parameters": self._parameters(),
        }

    def _opened(self) -> Reference:
        if self.reference is None:
            raise Problem("form", "no module is open")
        return self.reference

    def _parameters(self) -> int:
        try:
            return sum(p.numel() for p in self._opened().new_model(1).parameters())
        except Problem:
            return 0

    def do_draw(self, request: Message, files: list[int]) -> Message:
        """Make a call: new weights when a seed for them is given, new inputs; places of all."""
        reference = self._opened()
        if request.get("model_seed") is not None:
            self.model = reference.new_model(int(request["model_seed"]))
            self.calls = {}  # only calls of the same weights are repeated
        if self.model is None:
            raise Problem("init", "no weights were drawn")
        if request.get("repeat") is not None:
            first = self.calls.get(int(request["repeat"]))
            if first is None:
                raise Problem("inputs", "the call to repeat was made with other weights")
            inputs = first.inputs
        else:
            inputs = reference.new_inputs(int(request["input_seed"]))
        for earlier in self.calls.values():
            earlier.memory = None  # of a candidate that gave no answer: it is written anew
        call = Call(self.model, inputs)
        # One gap a model: its calls have the same addresses with other contents, other models' not.
        if request.get("model_seed") is not None:
            self.gap = random.SystemRandom().randrange(1, MOST_GAPS) * GAP
        call.layout = Layout(self.model, [inputs], self._forms(inputs), self.gap)
        is_new = bool(request.get("new_memory")) or call.layout.bytes > self.memory_bytes
        if is_new:
            self._new_memory(call.layout.bytes + MOST_GAPS * GAP)
        assert self.memory is not None
        call.memory = self.memory
        call.layout.write_weights(call.memory, self.model)
        call.layout.write_set(call.memory, 0, inputs)
        this_device().synchronize()
        number, self.drawn = self.drawn, self.drawn + 1
        self.calls[number] = call
        described = call.layout.to_json([inputs])
        one = described.pop("sets")[0]
        described["bytes"] = self.memory_bytes
        return {"call": number, "new_memory": is_new, **described, **one}

    def _new_memory(self, size: int) -> None:
        """Hand over another memory: making and mapping one takes longer than many a call."""
        self._drop_memory()
        self.memory, descriptor = create_memory(size)
        self.memory_bytes = size
        self.outgoing.append(descriptor)

    def _drop_memory(self) -> None:
        for call in self.calls.values():
            call.memory = None
        self.memory, self.memory_bytes = None, 0

    def _forms(self, inputs: list[Value]) -> list[Form]:
        """Return dtype and shape of the outputs; their values are dropped here."""
        if not self.forms:
            assert self.model is not None
            outputs = self._opened().run(self.model, inputs)
            self.forms = [(o.dtype, tuple(o.shape)) for o in outputs]
        return self.forms

    def do_rest(self, request: Message, files: list[int]) -> Message:
        """Let go of the calls, and of the memory that they needed."""
        self._drop_memory()
        self.calls, self.model = {}, None
        self._opened().forget()
        this_device().release_much()
        return {"rested": True}

    def do_judge(self, request: Message, files: list[int]) -> Message:
        """Compare what a call left behind with what it should be."""
        call = self.calls[int(request["call"])]
        if call.memory is None:
            raise Problem("form", "the call was judged before")
        try:
            return self._verdict(call, request.get("repeat"))
        finally:
            call.memory = None
            this_device().release_much()

    def _verdict(self, call: Call, repeat: int | None) -> Message:
        memory = call.memory
        assert memory is not None
        inputs, outputs = call.layout.sets[0]
        for place, value in zip(inputs, call.inputs, strict=True):
            if place is not None and not same_bits(memory.tensor(place), value):
                return {"verdict": "input_changed", "what": place.name}
        got = [memory.tensor(place).clone() for place in outputs]
        plain = self._opened().run(call.model, call.inputs)
        want = self._opened().run_double(call.model, call.inputs)
        oracle = "fp64"
        if want is None or [w.shape for w in want] != [p.shape for p in plain]:
            want, oracle = plain, self._opened().precision
        self._note_errors(plain, want)
        for place, *values in zip(outputs, got, want, plain, strict=True):
            wrong = compare(*values, self._opened().precision)
            if wrong is None:
                continue
            if repeat is not None and self.calls[repeat].passed:
                return {
                    "verdict": "nondeterministic",
                    "what": place.name,
                    "oracle": oracle,
                    **wrong,
                }
            return {"verdict": "wrong", "what": place.name, "oracle": oracle, **wrong}
        call.passed = True
        return {"verdict": "passed", "oracle": oracle}

    def _note_errors(self, plain: list[torch.Tensor], want: list[torch.Tensor]) -> None:
        """Remember how far right results lie from the exact ones: timed calls are judged by it."""
        errors = [worst_error(p, w) for p, w in zip(plain, want, strict=True)]
        self.worst = [max(a, b) for a, b in zip(self.worst or errors, errors, strict=True)]

    def _learn_errors(self, model: torch.nn.Module, inputs: list[Value]) -> None:
        """Note the errors of one call, when the module runs in fp64."""
        want = self._opened().run_double(model, inputs)
        if want is not None:
            plain = self._opened().run(model, inputs)
            if [w.shape for w in want] == [p.shape for p in plain]:
                self._note_errors(plain, want)

    def do_stage(self, request: Message, files: list[int]) -> Message:
        """Make memories for timed calls: one a side, with the same weights and sets of inputs."""
        reference = self._opened()
        self._drop_memory()
        self.calls, self.timed = {}, None
        this_device().release()
        self.model = reference.new_model(int(request["model_seed"]))
        inputs = reference.new_inputs(int(request["model_seed"]))
        forms = self._forms(inputs)
        self._learn_errors(self.model, inputs)
        self.timed = TimedCalls(reference, self.model, forms, inputs, request)
        self.outgoing += self.timed.descriptors
        return self.timed.describe()

    def _timed(self) -> TimedCalls:
        if self.timed is None:
            raise Problem("form", "no timed calls are staged")
        return self.timed

    def do_sow(self, request: Message, files: list[int]) -> Message:
        """Draw new inputs for so many sets; nobody else sees them yet."""
        self._timed().sow(int(request["seed"]), int(request["sets"]))
        return {"sown": True}

    def do_lead(self, request: Message, files: list[int]) -> Message:
        """Give a side calls on the sets that were drawn, one by one; time and keep its answers."""
        wanted = (int(request[name]) for name in ("side", "first", "calls", "watched"))
        return self._timed().lead(*wanted, float(request["timeout_s"]))

    def do_judge_timed(self, request: Message, files: list[int]) -> Message:
        """Judge sets of the last snapshot: some by the fp64 oracle, others by the plain result."""
        side, sets, exact = int(request["side"]), request["sets"], request["exact"]
        return self._timed().judge(side, sets, exact, self.worst)

    def do_unstage(self, request: Message, files: list[int]) -> Message:
        """Give the memory of timed calls back."""
        self.timed = None
        self._opened().forget()
        this_device().release()
        return {"unstaged": True}


def serve(channel: Channel) -> None:
    """Answer until the other side closes."""
    torch.set_grad_enabled(False)
    server = Server()
    while (received := channel.receive()) is not None:
        request, files = received
        answer: dict[str, Any]
        try:
            answer = server.answer(request, files)
        except Exception as error:
            answer = problem_of("reference", error, request.get("file", "")).to_json()
        channel.send(answer, server.outgoing)
        for descriptor in server.outgoing:
            os.close(descriptor)
        server.outgoing = []
