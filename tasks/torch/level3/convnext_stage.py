"""Two blocks: wide depthwise convolution, layer norm, inverted bottleneck, layer scale."""

import torch
import torch.nn.functional as F

batch = 32
channels = 192
height = 28
width = 28

REDUCED = {"batch": 2, "channels": 6, "height": 8, "width": 9}


class Block(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depth = torch.nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = torch.nn.LayerNorm(channels, eps=1e-6)
        self.up, self.down = (
            torch.nn.Linear(channels, 4 * channels),
            torch.nn.Linear(4 * channels, channels),
        )
        self.scale = torch.nn.Parameter(torch.full((channels,), 0.5))

    def forward(self, x):
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        y = self.scale * self.down(F.gelu(self.up(y)))
        return x + y.permute(0, 3, 1, 2)


class Model(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.blocks = torch.nn.ModuleList(Block(channels) for _ in range(2))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def get_inputs():
    return [torch.randn(batch, channels, height, width)]


def get_init_inputs():
    return [channels]
