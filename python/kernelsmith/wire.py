"""Little-endian, length-prefixed messages; the other end is src/backend/device/wire.h."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class WireError(ValueError):
    """The bytes end early."""


class Writer:
    """Collects a message."""

    def __init__(self) -> None:
        """Begin an empty message."""
        self._parts: list[bytes] = []

    def number(self, value: int, code: str) -> None:
        """Append a number; `code` as in the struct module ("B", "I", "i", "q", "d")."""
        self._parts.append(struct.pack("<" + code, value))

    def text(self, value: str | bytes) -> None:
        """Append a text or bytes."""
        raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
        self._parts.append(struct.pack("<Q", len(raw)))
        self._parts.append(raw)

    def list(self, items: Sequence[T], each: Callable[[T], None]) -> None:
        """Append a list; `each` appends one item."""
        self.number(len(items), "I")
        for item in items:
            each(item)

    def take(self) -> bytes:
        """Return the message."""
        return b"".join(self._parts)


class Reader:
    """Reads a message front to back."""

    def __init__(self, message: bytes) -> None:
        """Begin at the front of `message`."""
        self._message = message
        self._at = 0

    def number(self, code: str) -> int:
        """Read an integer; `code` as for Writer.number."""
        return int(struct.unpack("<" + code, self._take(struct.calcsize("<" + code)))[0])

    def real(self) -> float:
        """Read a double."""
        return float(struct.unpack("<d", self._take(8))[0])

    def text(self) -> str:
        """Read a text."""
        return self._take(self.number("Q")).decode("utf-8", "replace")

    def list(self, each: Callable[[], T]) -> list[T]:
        """Read a list; `each` reads one item."""
        return [each() for _ in range(self.number("I"))]

    def _take(self, size: int) -> bytes:
        if size > len(self._message) - self._at:
            raise WireError(f"{size} bytes wanted at {self._at} of {len(self._message)}")
        self._at += size
        return self._message[self._at - size : self._at]
