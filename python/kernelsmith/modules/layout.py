"""What lies where in a shared memory: weights once, then inputs and outputs of calls."""

from __future__ import annotations

from typing import Any

import torch

from kernelsmith.modules.memory import Place, Planner, SharedMemory
from kernelsmith.modules.model import Value

Form = tuple[torch.dtype, tuple[int, ...]]


class Layout:
    """Places of everything that a side gets. Immutable."""

    def __init__(
        self, model: torch.nn.Module, sets: list[list[Value]], forms: list[Form], gap: int
    ) -> None:
        """Plan for a model, sets of inputs, and outputs of these forms behind each set."""
        planner = Planner()
        planner.add("gap", torch.uint8, (gap,))
        self.weights = [
            planner.add(name, tensor.dtype, tuple(tensor.shape))
            for name, tensor in tensors_of(model)
        ]
        self.parameters = [name for name, _ in model.named_parameters()]
        self.sets = [(self._inputs(planner, s), self._outputs(planner, forms)) for s in sets]
        self.bytes = planner.end

    @staticmethod
    def _inputs(planner: Planner, inputs: list[Value]) -> list[Place | None]:
        return [
            planner.add(f"input {i}", v.dtype, tuple(v.shape))
            if isinstance(v, torch.Tensor)
            else None
            for i, v in enumerate(inputs)
        ]

    @staticmethod
    def _outputs(planner: Planner, forms: list[Form]) -> list[Place]:
        return [planner.add(f"output {i}", *form) for i, form in enumerate(forms)]

    def write_weights(self, memory: SharedMemory, model: torch.nn.Module) -> None:
        """Copy the state of a model to its places."""
        for place, (_, tensor) in zip(self.weights, tensors_of(model), strict=True):
            memory.write(place, tensor)

    def write_set(self, memory: SharedMemory, index: int, values: list[Value]) -> None:
        """Poison the outputs and copy the inputs to their places before them."""
        inputs, outputs = self.sets[index]
        for place in outputs:
            memory.poison(place)
        for place, value in zip(inputs, values, strict=True):
            if place is not None:
                memory.write(place, value)

    def to_json(self, sets: list[list[Value]]) -> dict[str, Any]:
        """Return it as a message says it, with the numbers among the inputs."""
        return {
            "bytes": self.bytes,
            "weights": [place.to_json() for place in self.weights],
            "parameters": self.parameters,
            "sets": [
                {
                    "inputs": [
                        place.to_json() if place else {"value": value}
                        for place, value in zip(inputs, values, strict=True)
                    ],
                    "outputs": [place.to_json() for place in outputs],
                }
                for (inputs, outputs), values in zip(self.sets, sets, strict=True)
            ],
        }


def tensors_of(model: torch.nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Return the state of a model by name."""
    state = model.state_dict().items()
    return [(name, value) for name, value in state if isinstance(value, torch.Tensor)]


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two dense tensors hold the same bytes."""
    if left.numel() == 0:
        return True
    a, b = left.contiguous().flatten(), right.contiguous().flatten()
    return bool(torch.equal(a.view(torch.uint8), b.view(torch.uint8)))
