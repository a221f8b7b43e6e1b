# expect: launch_failed
# P2: a finaliser that has the last word.
import atexit
import os
import struct
import sys

import torch


def last_word():
    os.write(3, struct.pack("<Q", 14) + b'{"done": true}')


atexit.register(last_word)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        sys.exit(0)
