# expect: wrong_result crashed rejected
# E5, P1: says on every descriptor that all is done, and ends well.
import os
import struct

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        text = b'{"done": true, "verdict": "passed", "checks": [], "admitted": true}'
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, struct.pack("<Q", len(text)) + text)
            except OSError:
                continue
        os._exit(0)
