# expect: rejected crashed
# E5: bytes that are no message.
import os
import struct

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, struct.pack("<Q", 9) + b"[[[[[[[[[")
            except OSError:
                continue
        return torch.relu(self.linear(x)) + y
