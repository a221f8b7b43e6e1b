"""Convolution in three dimensions, instance norm, tanh times a scale."""

import torch

batch = 8
channels = 16
filters = 32
depth = 32
height = 64
width = 64

REDUCED = {"batch": 2, "channels": 3, "filters": 4, "depth": 5, "height": 6, "width": 7}


class Model(torch.nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = torch.nn.Conv3d(channels, filters, 3, padding=1)
        self.norm = torch.nn.InstanceNorm3d(filters)
        self.scale = torch.nn.Parameter(torch.ones(filters, 1, 1, 1))

    def forward(self, x):
        return torch.tanh(self.norm(self.conv(x))) * self.scale


def get_inputs():
    return [torch.randn(batch, channels, depth, height, width)]


def get_init_inputs():
    return [channels, filters]
