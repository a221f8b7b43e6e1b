"""The trusted side: draws weights and inputs from secret seeds, and judges what came back.

What is expected is computed here, after the candidate has answered, from private copies.
"""

from __future__ import annotations

import random
from typing import Any

import torch

from kernelsmith.modules.channel import Channel, Message
from kernelsmith.modules.compare import compare
from kernelsmith.modules.gate import Gate
from kernelsmith.modules.memory import Place, Planner, SharedMemory
from kernelsmith.modules.model import Reference, Value
from kernelsmith.modules.reduce import choose_sizes
from kernelsmith.modules.source import Problem, problem_of


class Call:
    """One call of the candidate: what it was given and where it answers."""

    def __init__(self, model: torch.nn.Module, inputs: list[Value]) -> None:
        """Keep private copies."""
        self.model, self.inputs = model, inputs
        self.memory: SharedMemory | None = None
        self.input_places: list[Place | None] = []
        self.output_places: list[Place] = []
        self.passed = False


class Server:
    """One module and its calls. Single thread."""

    def __init__(self) -> None:
        """Begin without a module."""
        self.reference: Reference | None = None
        self.model: torch.nn.Module | None = None
        self.calls: list[Call] = []
        self.gap = 256

    def answer(self, request: Message, files: list[int]) -> Message:
        """Do what a message asks."""
        action = getattr(self, f"do_{request['op']}")
        return action(request, files)

    def do_open(self, request: Message, files: list[int]) -> Message:
        """Load a module file and choose its sizes."""
        reference = Reference(request["source"], request["file"])
        self.chosen = choose_sizes(
            reference, int(request["memory_bytes"]), request["workload"] == "full"
        )
        self.reference = reference
        return {"init": reference.init_arguments(), "precision": reference.precision, **self.chosen}

    def do_gate(self, request: Message, files: list[int]) -> Message:
        """Run the admission gate."""
        gate = Gate(self._opened())
        checks = gate.run()
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
            for earlier in self.calls:  # only calls of the same weights are repeated
                earlier.inputs = []
        if self.model is None:
            raise Problem("init", "no weights were drawn")
        if request.get("repeat") is not None:
            inputs = self.calls[int(request["repeat"])].inputs
            if not inputs:
                raise Problem("inputs", "the call to repeat was made with other weights")
        else:
            inputs = reference.new_inputs(int(request["input_seed"]))
        call = Call(self.model, inputs)
        planner = Planner()
        # One gap a model: its calls have the same addresses with other contents, other models' not.
        if request.get("model_seed") is not None:
            self.gap = random.SystemRandom().randrange(1, 64) * 256
        planner.add("gap", torch.uint8, (self.gap,))
        state = {
            name: tensor
            for name, tensor in self.model.state_dict().items()
            if isinstance(tensor, torch.Tensor)
        }
        weights = [planner.add(n, t.dtype, tuple(t.shape)) for n, t in state.items()]
        call.input_places = [
            planner.add(f"input {i}", v.dtype, tuple(v.shape))
            if isinstance(v, torch.Tensor)
            else None
            for i, v in enumerate(inputs)
        ]
        self.drawn, self.weights = call, list(zip(weights, state.values(), strict=True))
        outputs = reference.run(self.model, inputs) if not self.calls else None
        if outputs is not None:  # the form of the outputs; the values are dropped here
            self.forms = [(o.dtype, tuple(o.shape)) for o in outputs]
        call.output_places = [
            planner.add(f"output {i}", dtype, shape) for i, (dtype, shape) in enumerate(self.forms)
        ]
        return {
            "bytes": planner.end,
            "weights": [place.to_json() for place in weights],
            "parameters": [name for name, _ in self.model.named_parameters()],
            "inputs": [
                place.to_json() if place else {"value": value}
                for place, value in zip(call.input_places, inputs, strict=True)
            ],
            "outputs": [place.to_json() for place in call.output_places],
        }

    def do_fill(self, request: Message, files: list[int]) -> Message:
        """Write the call that was drawn into the memory that comes with the message."""
        call = self.drawn
        memory = SharedMemory(files[0], int(request["bytes"]))
        for place, tensor in self.weights:
            memory.write(place, tensor)
        for place, value in zip(call.input_places, call.inputs, strict=True):
            if place is not None:
                memory.write(place, value)
        for place in call.output_places:
            memory.poison(place)
        call.memory = memory
        self.calls.append(call)
        return {"call": len(self.calls) - 1}

    def do_judge(self, request: Message, files: list[int]) -> Message:
        """Compare what a call left behind with what it should be."""
        call = self.calls[int(request["call"])]
        if call.memory is None:
            raise Problem("form", "the call was judged before")
        try:
            return self._verdict(call, request.get("repeat"))
        finally:
            call.memory = None

    def _verdict(self, call: Call, repeat: int | None) -> Message:
        memory = call.memory
        assert memory is not None
        for place, value in zip(call.input_places, call.inputs, strict=True):
            if place is not None and not same_bits(memory.tensor(place), value):
                return {"verdict": "input_changed", "what": place.name}
        got = [memory.tensor(place).clone() for place in call.output_places]
        plain = self._opened().run(call.model, call.inputs)
        want = self._opened().run_double(call.model, call.inputs)
        oracle = "fp64"
        if want is None or [w.shape for w in want] != [p.shape for p in plain]:
            want, oracle = plain, self._opened().precision
        for place, *values in zip(call.output_places, got, want, plain, strict=True):
            wrong = compare(*values, self._opened().precision)
            if wrong is None:
                continue
            if repeat is not None and self.calls[repeat].passed:
                return {"verdict": "nondeterministic", "what": place.name, **wrong}
            return {"verdict": "wrong", "what": place.name, "oracle": oracle, **wrong}
        call.passed = True
        return {"verdict": "passed", "oracle": oracle}


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two dense tensors hold the same bytes."""
    if left.numel() == 0:
        return True
    a, b = left.contiguous().flatten(), right.contiguous().flatten()
    return bool(torch.equal(a.view(torch.uint8), b.view(torch.uint8)))


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
        channel.send(answer)
