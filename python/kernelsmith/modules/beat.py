"""The beat of timed calls: a page of memory that both sides look at.

The trusted side says "go" for one call, the other one "done": a message would take longer than many
a call. Who waits spins for a while, then sleeps between two looks. The page proves nothing. What
the trusted side finds in the outputs after "done" is judged, and its own clock runs until it has
them.
"""

from __future__ import annotations

import json
import mmap
import os
import time
from typing import Any

from kernelsmith.modules.memory import create_file

GO, DONE, SLOT = 0, 8, 16  # words of 8 bytes, a cache line apart
NUMBERS = 256  # a length of 8 bytes, then JSON
SIZE = 64 << 10
ABORTED = (1 << 64) - 1
SPINS = 100  # between looks at the clock
SPIN_S = 1e-3
PAUSE_S = 2e-5  # between two looks, after that


class Aborted(Exception):
    """The other side gave up."""


class Late(Exception):
    """The other side gave no sign in time."""


class Beat:
    """One side's end of the page. Single thread."""

    def __init__(self, descriptor: int) -> None:
        """Map the page."""
        self._map = mmap.mmap(descriptor, SIZE)
        self._words = memoryview(self._map).cast("Q")

    def go(self, number: int, slot: int, values: list[Any]) -> None:
        """Let the other side make a call: where its inputs lie, the numbers among them."""
        if values:
            text = json.dumps(values).encode()
            if len(text) > SIZE - NUMBERS - 8:
                raise ValueError("the numbers among the inputs are too long to hand over")
            self._map[NUMBERS + 8 : NUMBERS + 8 + len(text)] = text
            self._words[NUMBERS // 8] = len(text)
        self._words[SLOT] = slot
        self._words[GO] = number

    def await_go(self, number: int) -> tuple[int, list[Any]]:
        """Wait for the call; return where its inputs lie and the numbers among them."""
        self._await(GO, number, None)
        size = self._words[NUMBERS // 8]
        values = json.loads(self._map[NUMBERS + 8 : NUMBERS + 8 + size]) if size else []
        return self._words[SLOT], values

    def done(self, number: int) -> None:
        """Say that the outputs of a call lie in their places."""
        self._words[DONE] = number

    def await_done(self, number: int, timeout_s: float) -> None:
        """Wait for the end of the call."""
        self._await(DONE, number, time.monotonic() + timeout_s)

    def abort(self) -> None:
        """Let nobody wait for this side any more."""
        self._words[GO] = self._words[DONE] = ABORTED

    def _await(self, place: int, number: int, deadline: float | None) -> None:
        words = self._words
        began = time.monotonic()
        while True:
            for _ in range(SPINS):
                if words[place] == number:
                    return
            if words[place] == ABORTED:
                raise Aborted
            now = time.monotonic()
            if deadline is not None and now > deadline:
                raise Late
            if now - began > SPIN_S:
                time.sleep(PAUSE_S)
            else:
                os.sched_yield()


def create_beat() -> tuple[Beat, int]:
    """Return a new page, and the file to hand over."""
    descriptor = create_file("ksmith-beat", SIZE)
    try:
        return Beat(descriptor), descriptor
    except BaseException:
        os.close(descriptor)
        raise
