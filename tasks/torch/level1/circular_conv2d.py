"""Convolution of 3 by 3 on an image that wraps around."""

import torch
import torch.nn.functional as F

batch = 16
channels = 64
filters = 64
height = 128
width = 128

REDUCED = {"batch": 2, "channels": 5, "filters": 7, "height": 9, "width": 6}


class Model(torch.nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.weight = torch.nn.Parameter(
            torch.randn(filters, channels, 3, 3) / (9 * channels) ** 0.5
        )

    def forward(self, x):
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), self.weight)


def get_inputs():
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [channels, filters]
