"""Convolution whose second half of filters gates the first."""

import torch
import torch.nn.functional as F

batch = 16
channels = 64
filters = 128
height = 128
width = 128

REDUCED = {"batch": 2, "channels": 3, "filters": 5, "height": 9, "width": 8}


class Model(torch.nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.conv = torch.nn.Conv2d(channels, 2 * filters, 3, padding=1)

    def forward(self, x):
        value, gate = self.conv(x).chunk(2, dim=1)
        return F.elu(value) * torch.sigmoid(gate)


def get_inputs():
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [channels, filters]
