"""The admission gate: may verdicts about this module be trusted?

What everybody could guess must fail the comparison, and what is right must pass it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from kernelsmith.modules.compare import STEPS, compare
from kernelsmith.modules.model import Reference, Value
from kernelsmith.modules.source import Problem

SEEDS = (0x5EED1, 0x5EED2)

Check = dict[str, Any]


class Gate:
    """The checks of one module with its sizes set. Single thread."""

    def __init__(self, reference: Reference) -> None:
        """Begin with nothing known."""
        self.reference = reference
        self.checks: list[Check] = []

    def _check(self, name: str, reason: str) -> bool:
        self.checks.append({"name": name, "passed": not reason, "reason": reason})
        return not reason

    def _attempt(self, name: str, action: Callable[[], Any]) -> Any:
        """Return what `action` gives, with a check for whether it could."""
        try:
            result = action()
        except Problem as problem:
            self._check(name, f"{problem.phase}: {problem.message}")
            return None
        self._check(name, "")
        return result

    def _agrees(self, outputs: list[torch.Tensor]) -> bool:
        """Whether `outputs` would be accepted in the place of the result."""
        if [(o.dtype, o.shape) for o in outputs] != [(o.dtype, o.shape) for o in self.plain]:
            return False
        return all(
            compare(got, want, plain, self.reference.precision) is None
            for got, want, plain in zip(outputs, self.want, self.plain, strict=True)
        )

    def run(self) -> list[Check]:
        """Return all checks up to the first that makes the others meaningless."""
        if not self._check("precision", self._precision_fault()):
            return self.checks
        inputs = self._attempt("inputs", lambda: self.reference.new_inputs(SEEDS[0]))
        if inputs is None:
            return self.checks
        model = self._attempt("init", lambda: self.reference.new_model(SEEDS[0]))
        if model is None:
            return self.checks
        outputs = self._attempt("runs", lambda: self.reference.run(model, inputs))
        if outputs is None:
            return self.checks
        self.plain = outputs
        double = self.reference.run_double(model, inputs)
        if double is None or [o.shape for o in double] != [o.shape for o in outputs]:
            double = outputs
        self.want = double
        if self._check("finite", self._finite_fault()) and self._is_settled(model, inputs):
            self.reference.learn_purity(model, inputs)
            self._refuse_impostors(model, inputs)
        return self.checks

    def _precision_fault(self) -> str:
        if self.reference.precision in STEPS:
            return ""
        return f"PRECISION = {self.reference.precision!r}; it may be one of {', '.join(STEPS)}"

    def _finite_fault(self) -> str:
        for index, output in enumerate(self.plain):
            if output.is_floating_point() and not bool(torch.isfinite(output).all()):
                return f"output {index} has infinities or NaN"
            if output.numel() == 0:
                return f"output {index} is empty"
        return ""

    def _is_settled(self, model: torch.nn.Module, inputs: list[Value]) -> bool:
        """Whether there is one right result: the same twice, and near to the one in fp64."""
        torch.manual_seed(7)  # another state of the generator than the first run had
        again = self.reference.run(model, inputs)
        differs = any(
            compare(new, old.double() if old.is_floating_point() else old, old, "fp32") is not None
            for new, old in zip(again, self.plain, strict=True)
        )
        reason = "two runs on the same inputs differ: it is random" if differs else ""
        if not self._check("deterministic", reason):
            return False
        right = self._agrees(self.plain)
        reason = f"{self.reference.precision} and fp64 differ too much to tell right from wrong"
        return self._check("reference_passes", "" if right else reason)

    def _refuse_impostors(self, model: torch.nn.Module, inputs: list[Value]) -> None:
        first = next(v for v in inputs if isinstance(v, torch.Tensor))
        zeros = [torch.zeros_like(o) for o in self.plain]
        self._refuse("zeros", zeros, "zeros pass")
        self._refuse("ones", [torch.ones_like(o) for o in self.plain], "ones pass")
        flips = [o.flatten().flip(0).view(o.shape) for o in self.plain]
        if any(o.numel() > 1 for o in self.plain):
            self._refuse("permuted", flips, "the result read backwards passes")
        if len(self.plain) == 1:
            self._refuse("first_input", [first], "the first input passes as the result")
        other = self.reference.run(model, self.reference.new_inputs(SEEDS[1]))
        self._refuse("other_inputs", other, "the output does not depend on the inputs")
        if any(p.numel() for p in model.parameters()):
            weights = self.reference.run(self.reference.new_model(SEEDS[1]), inputs)
            self._refuse("other_weights", weights, "the output does not depend on the weights")

    def _refuse(self, name: str, outputs: list[torch.Tensor], reason: str) -> None:
        self._check(name, reason if self._agrees(outputs) else "")
