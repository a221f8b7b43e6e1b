"""Convolution along time, gated linear unit, group norm."""

import torch
import torch.nn.functional as F

batch = 32
channels = 256
length = 4096
groups = 8

REDUCED = {"batch": 2, "channels": 8, "length": 21, "groups": 4}


class Model(torch.nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.conv = torch.nn.Conv1d(channels, 2 * channels, 5, padding=2)
        self.norm = torch.nn.GroupNorm(groups, channels)

    def forward(self, x):
        return self.norm(F.glu(self.conv(x), dim=1))


def get_inputs():
    return [torch.randn(batch, channels, length)]


def get_init_inputs():
    return [channels, groups]
