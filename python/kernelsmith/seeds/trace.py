"""What a compilation by torch left behind, as plain data."""

from __future__ import annotations

import dataclasses
from typing import Any


class Refusal(Exception):
    """A module that cannot be written out; the message says why, for people."""


@dataclasses.dataclass(frozen=True)
class Trace:
    """One compiled graph. Everything that the converter reads."""

    code: str  # of the wrapper with its kernels, as torch writes it
    sources: list[str]  # of the graph's inputs, in order: "L['self']._parameters['weight']"
    helpers: str  # text of the functions that the kernels call, all of torch's
    torch: str  # its version
    device: str = ""  # that the configurations are for
    single: bool = True  # forward gives a tensor and no tuple
    order: list[int] | None = None  # results of forward among those of the graph; None: as they are
    configs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)  # kernel: blocks
