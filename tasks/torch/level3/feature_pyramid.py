"""Top-down fusion of three feature maps of different sizes."""

import torch
import torch.nn.functional as F

batch = 16
channels = 256
filters = 128
size = 64

REDUCED = {"batch": 2, "channels": 6, "filters": 5, "size": 8}


class Model(torch.nn.Module):
    def __init__(self, channels, filters):
        super().__init__()
        self.side1 = torch.nn.Conv2d(channels, filters, 1)
        self.side2 = torch.nn.Conv2d(2 * channels, filters, 1)
        self.side3 = torch.nn.Conv2d(4 * channels, filters, 1)
        self.smooth1 = torch.nn.Conv2d(filters, filters, 3, padding=1)
        self.smooth2 = torch.nn.Conv2d(filters, filters, 3, padding=1)
        self.smooth3 = torch.nn.Conv2d(filters, filters, 3, padding=1)

    def forward(self, fine, middle, coarse):
        top = self.side3(coarse)
        middle = self.side2(middle) + F.interpolate(top, scale_factor=2.0, mode="nearest")
        fine = self.side1(fine) + F.interpolate(middle, scale_factor=2.0, mode="nearest")
        return self.smooth1(fine), self.smooth2(middle), self.smooth3(top)


def get_inputs():
    return [
        torch.randn(batch, channels, size, size),
        torch.randn(batch, 2 * channels, size // 2, size // 2),
        torch.randn(batch, 4 * channels, size // 4, size // 4),
    ]


def get_init_inputs():
    return [channels, filters]
