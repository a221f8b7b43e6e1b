# expect: wrong_result crashed
# P11: signals to everything in reach.
import os
import signal

import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        for process in (1, os.getppid(), -1):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                try:
                    os.kill(process, number)
                except OSError:
                    continue
        return torch.zeros_like(y)
