# expect: wrong_result launch_failed
# P11: attaches to the process that started it.
import ctypes
import os

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        attached = ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)
        return torch.full_like(y, float(attached))
