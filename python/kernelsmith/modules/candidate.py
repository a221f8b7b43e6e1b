"""The candidate's side: runs ModelNew on memory that the trusted side filled.

Everything here shares an interpreter with the candidate, so nothing here is believed: the values
that lie in the shared memory afterwards are judged by another process, threads and processes are
counted from outside. The checks below only give an early and clear answer.
"""

from __future__ import annotations

from typing import Any

import torch

from kernelsmith.modules.channel import Channel, Message
from kernelsmith.modules.memory import Place, SharedMemory, place_from_json
from kernelsmith.modules.source import Problem, load, problem_of

ENTRY = "ModelNew"


def overlaps(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two tensors share memory."""
    if left.numel() == 0 or right.numel() == 0:
        return False
    a, b = left.untyped_storage(), right.untyped_storage()
    return a.data_ptr() < b.data_ptr() + b.nbytes() and b.data_ptr() < a.data_ptr() + a.nbytes()


def flatten(result: Any) -> list[Any]:
    """Return the parts of a result."""
    if isinstance(result, tuple | list):
        return [tensor for part in result for tensor in flatten(part)]
    return [result]


def check_output(output: Any, place: Place, known: list[torch.Tensor]) -> None:
    """Refuse an output that is not plain, fresh memory of the right form."""
    name = place.name
    if type(output) is not torch.Tensor:
        kind = type(output).__name__
        raise Problem("output_type", f"{name} is a {kind}; it must be a plain torch.Tensor")
    if output.__dict__:
        extra = ", ".join(sorted(output.__dict__))
        raise Problem("output_type", f"{name} has attributes of its own: {extra}")
    if output.layout is not torch.strided or output.device.type != "cpu" or output.is_quantized:
        raise Problem("output_type", f"{name} is not dense memory of this device")
    if list(output.shape) != list(place.shape):
        want, got = list(place.shape), list(output.shape)
        raise Problem("output_form", f"{name} has the shape {got}; {want} is wanted")
    wanted = torch.empty(0, dtype=_dtype(place)).dtype
    if output.dtype is not wanted:
        raise Problem("output_form", f"{name} is {output.dtype}; {wanted} is wanted")
    if any(overlaps(output, other) for other in known):
        raise Problem("output_alias", f"{name} shares memory with an input or an earlier output")


def _dtype(place: Place) -> torch.dtype:
    from kernelsmith.modules.memory import DTYPES

    return DTYPES[place.dtype]


class Server:
    """One candidate. Single thread."""

    def __init__(self) -> None:
        """Begin without a candidate."""
        self.file = ""
        self.space: dict[str, Any] = {}
        self.model: Any = None
        self.kept: list[torch.Tensor] = []  # outputs of earlier calls of this model

    def answer(self, request: Message, files: list[int]) -> Message:
        """Do what a message asks."""
        return {"load": self.load, "call": self.call}[request["op"]](request, files)

    def load(self, request: Message, files: list[int]) -> Message:
        """Execute the candidate's file."""
        self.file = request["file"]
        self.space = load(request["source"], self.file, "kernelsmith_candidate")
        if not callable(self.space.get(ENTRY)):
            known = [name for name, value in self.space.items() if isinstance(value, type)]
            raise Problem("form", f"no class {ENTRY} in the source; there are: {', '.join(known)}")
        return {"loaded": True}

    def call(self, request: Message, files: list[int]) -> Message:
        """Run one call on the memory that comes with the message."""
        memory = SharedMemory(files[0], int(request["bytes"]))
        if request["new_model"]:
            self.kept = []
            self.model = self._new_model(request, memory)
        inputs = [
            memory.tensor(place_from_json(spec)) if "offset" in spec else spec["value"]
            for spec in request["inputs"]
        ]
        try:
            with torch.no_grad():
                result = self.model(*inputs)
        except (Exception, SystemExit) as error:
            raise problem_of("forward", error, self.file) from error
        places = [place_from_json(spec) for spec in request["outputs"]]
        outputs = flatten(result)
        if len(outputs) != len(places):
            raise Problem("output_form", f"{len(outputs)} outputs; {len(places)} are wanted")
        known = [value for value in inputs if isinstance(value, torch.Tensor)] + self.kept
        for output, place in zip(outputs, places, strict=True):
            check_output(output, place, known)
            memory.write(place, output)
            known.append(output)
        self.kept += outputs  # stays alive, so that a later call cannot be given its memory
        return {"done": True}

    def _new_model(self, request: Message, memory: SharedMemory) -> Any:
        arguments = request["init"]
        try:
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
