# expect: rejected crashed timed_out
# E5: a message of a size that nobody wants.
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
                os.write(descriptor, struct.pack("<Q", 1 << 60))
            except OSError:
                continue
        return torch.relu(self.linear(x)) + y
