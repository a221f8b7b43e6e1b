"""Messages of a module host: 8 bytes of length, then JSON; files come with the length.

The other end is src/backend/torch/module_channel.cc.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

MAX_FILES = 8
MAX_MESSAGE_BYTES = 4 << 20

Message = dict[str, Any]


class Channel:
    """One end of a socket. Single thread."""

    def __init__(self, descriptor: int) -> None:
        """Take over `descriptor`."""
        self._socket = socket.socket(fileno=descriptor)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def receive(self) -> tuple[Message, list[int]] | None:
        """Read a message and the files that came with it; None: the other side has gone."""
        head, files = b"", []
        while len(head) < 8:
            part, more, _, _ = socket.recv_fds(self._socket, 8 - len(head), MAX_FILES)
            files += more
            if not part:
                return None
            head += part
        size = struct.unpack("<Q", head)[0]
        body = bytearray()
        while len(body) < size:
            part = self._socket.recv(min(size - len(body), 1 << 20))
            if not part:
                return None
            body += part
        for descriptor in files:
            os.set_inheritable(descriptor, False)
        return json.loads(bytes(body)), files

    def send(self, message: Message, files: list[int] | None = None) -> None:
        """Write a message, with files that stay open here."""
        body = json.dumps(message, allow_nan=False).encode("utf-8", "replace")
        if len(body) > MAX_MESSAGE_BYTES:
            body = b'{"error": {"phase": "answer", "message": "the answer is too long"}}'
        body = struct.pack("<Q", len(body)) + body
        sent = socket.send_fds(self._socket, [body], files) if files else 0
        self._socket.sendall(body[sent:])
