# expect: launch_failed
# Starts a process.
import os

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        os.fork()
        return torch.relu(self.linear(x)) + y
