"""Convolution, batch norm with statistics of the batch, SiLU."""

import torch
import torch.nn.functional as F

batch = 64
channels = 64
filters = 128
height = 56
width = 56

REDUCED = {"batch": 3, "channels": 4, "filters": 6, "height": 9, "width": 7}


class Model(torch.nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, filters, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(filters)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


def get_inputs():
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [channels, filters]
