"""Depthwise then pointwise convolution, both clipped to [0, 6]."""

import torch
import torch.nn.functional as F

batch = 64
channels = 128
filters = 256
height = 56
width = 56

REDUCED = {"batch": 2, "channels": 4, "filters": 6, "height": 7, "width": 9}


class Model(torch.nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.depth = torch.nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.point = torch.nn.Conv2d(channels, filters, 1)

    def forward(self, x):
        return F.relu6(self.point(F.relu6(self.depth(x))))


def get_inputs():
    return [2.0 * torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [channels, filters]
