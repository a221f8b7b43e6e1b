"""Short causal filter of every channel, as in state-space models."""

import torch
import torch.nn.functional as F

batch = 16
channels = 4096
length = 4096
taps = 4

REDUCED = {"batch": 2, "channels": 6, "length": 33}


class Model(torch.nn.Module):
    def __init__(self, channels, taps):
        super().__init__()
        self.taps = taps
        self.weight = torch.nn.Parameter(torch.randn(channels, 1, taps) / taps**0.5)
        self.bias = torch.nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        padded = F.pad(x, (self.taps - 1, 0))
        return F.conv1d(padded, self.weight, self.bias, groups=x.shape[1])


def get_inputs():
    return [torch.randn(batch, channels, length)]


def get_init_inputs():
    return [channels, taps]
