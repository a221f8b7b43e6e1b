"""The candidate's side: runs ModelNew on memory that the trusted side filled.

Everything here shares an interpreter with the candidate, so nothing here is believed: the values
that lie in the shared memory afterwards are judged by another process, threads and processes are
counted from outside. The checks below only give an early and clear answer.
"""

from __future__ import annotations

import os
from typing import Any

import torch

from kernelsmith.modules.answer import answer_into
from kernelsmith.modules.beat import Beat
from kernelsmith.modules.channel import Channel, Message
from kernelsmith.modules.device import this_device
from kernelsmith.modules.memory import Place, SharedMemory, open_memory, place_from_json
from kernelsmith.modules.repeat import Repeater, Slot
from kernelsmith.modules.source import Problem, load, problem_of

ENTRY = "ModelNew"


def take_memory(request: Message, files: list[int]) -> SharedMemory:
    """Open the memory that came with a message."""
    try:
        return open_memory(files[0], int(request["bytes"]))
    finally:
        for descriptor in files:
            os.close(descriptor)


def inputs_in(memory: SharedMemory, specs: list[Message]) -> list[Any]:
    """Return the inputs that a message describes: tensors in the memory, and numbers."""
    return [
        memory.tensor(place_from_json(spec)) if "offset" in spec else spec["value"]
        for spec in specs
    ]


def places_in(specs: list[Message]) -> list[Place]:
    """Return the places that a message describes."""
    return [place_from_json(spec) for spec in specs]


def warm_up() -> None:
    """Run what most modules run, so that libraries have their handles and threads."""
    device = this_device()
    if not device.is_cuda:
        return
    values = torch.ones(64, 64, device=device.name)
    torch.tanh(values @ values + values).sum().item()
    device.flush()
    device.synchronize()


class Server:
    """One candidate. Single thread."""

    def __init__(self) -> None:
        """Begin without a candidate."""
        self.file = ""
        self.space: dict[str, Any] = {}
        self.model: Any = None
        self.memory: SharedMemory | None = None  # of the calls that are checked
        self.kept: list[torch.Tensor] = []  # outputs of earlier calls of this model
        self.repeater: Repeater | None = None
        self.beat: Beat | None = None

    def answer(self, request: Message, files: list[int]) -> Message:
        """Do what a message asks."""
        actions = {
            "warm": self.warm,
            "rest": self.rest,
            "load": self.load,
            "call": self.call,
            "prepare": self.prepare,
            "run": self.run,
            "trace": self.trace,
        }
        return actions[request["op"]](request, files)

    def warm(self, request: Message, files: list[int]) -> Message:
        """Make the device's context, so that what it runs is known before the candidate is."""
        warm_up()
        return {"warm": True}

    def rest(self, request: Message, files: list[int]) -> Message:
        """Let go of what calls needed, memory above all, until the next ones are wanted."""
        self.kept, self.model, self.memory = [], None, None
        self.repeater = self.beat = None
        this_device().release()
        return {"rested": True}

    def load(self, request: Message, files: list[int]) -> Message:
        """Execute the candidate's file."""
        this_device().set_precision(request["precision"])
        self.file = request["file"]
        self.space = load(request["source"], self.file, "kernelsmith_candidate")
        if not callable(self.space.get(ENTRY)):
            known = [name for name, value in self.space.items() if isinstance(value, type)]
            raise Problem("form", f"no class {ENTRY} in the source; there are: {', '.join(known)}")
        return {"loaded": True}

    def call(self, request: Message, files: list[int]) -> Message:
        """Run one call on the memory that comes with the message, or came with the last one."""
        if request["new_memory"]:
            self.memory = None  # no room for both
            self.memory = take_memory(request, files)
        assert self.memory is not None
        memory = self.memory
        if request["new_model"]:
            self.kept = []
            self.model = self._new_model(request, memory)
        inputs = inputs_in(memory, request["inputs"])
        result = self._forward(inputs)
        known = [value for value in inputs if isinstance(value, torch.Tensor)] + self.kept
        self.kept += answer_into(memory, places_in(request["outputs"]), result, known)
        # What is kept stays alive, so that a later call cannot be given its memory.
        this_device().synchronize()
        return {"done": True}

    def _forward(self, inputs: list[Any]) -> Any:
        try:
            with torch.no_grad():
                return self.model(*inputs)
        except (Exception, SystemExit) as error:
            raise problem_of("forward", error, self.file) from error

    def prepare(self, request: Message, files: list[int]) -> Message:
        """Get ready for timed calls: memory and beat, a model, calls that nobody times."""
        try:
            self.beat = Beat(files[1])
        finally:
            os.close(files[1])
        memory = take_memory(request, files[:1])
        slots = [
            Slot(inputs_in(memory, one["inputs"]), memory, places_in(one["outputs"]))
            for one in request["slots"]
        ]
        forward = None
        if not request["empty"]:
            self.kept = []
            self.model = self._new_model(request, memory)
            forward = self._forward
        self.repeater = Repeater(forward, slots)
        for _ in range(int(request["warm_calls"])):
            self.repeater.warm()
        if not request["graph"]:
            return {"prepared": True}
        return {"prepared": True, "graph": self.repeater.capture()}

    def run(self, request: Message, files: list[int]) -> Message:
        """Make calls, each when the trusted side says so."""
        assert self.repeater is not None and self.beat is not None
        return {"ran": self.repeater.run(self.beat, int(request["first"]), int(request["calls"]))}

    def trace(self, request: Message, files: list[int]) -> Message:
        """Run one call under the device's activity trace."""
        assert self.repeater is not None
        return {"activities": self.repeater.trace()}

    def _new_model(self, request: Message, memory: SharedMemory) -> Any:
        arguments = request["init"]
        try:
            with torch.device(this_device().name):
                if isinstance(arguments, dict):
                    model = self.space[ENTRY](**arguments)
                else:
                    model = self.space[ENTRY](*arguments)
        except (Exception, SystemExit) as error:
            raise problem_of("init", error, self.file) from error
        places = [place_from_json(spec) for spec in request["weights"]]
        state = {place.name: memory.tensor(place).clone() for place in places}
        wanted = set(request["parameters"])
        try:
            if not isinstance(model, torch.nn.Module):
                raise Problem("init", f"{ENTRY} is not a torch.nn.Module")
            model = model.to(this_device().name)
            result = model.load_state_dict(state, strict=False)
            own = {name for name, _ in model.named_parameters()}
        except (Exception, SystemExit) as error:
            raise problem_of("weights", error, self.file) from error
        lost = sorted(wanted & set(result.unexpected_keys))
        left = sorted(own & set(result.missing_keys))
        if lost:
            raise Problem(
                "weights",
                f"{ENTRY} has no parameter {', '.join(lost)}; weights are handed over by name",
            )
        if left:
            raise Problem("weights", f"Model has no parameter {', '.join(left)}; who gives it?")
        return model


def serve(channel: Channel) -> None:
    """Answer until the other side closes."""
    torch.set_grad_enabled(False)
    server = Server()
    while (received := channel.receive()) is not None:
        request, files = received
        answer: dict[str, Any]
        try:
            answer = server.answer(request, files)
        except BaseException as error:
            answer = problem_of("forward", error, server.file).to_json()
        channel.send(answer)
