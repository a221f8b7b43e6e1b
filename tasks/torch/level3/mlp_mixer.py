"""Two mixer layers: a network over tokens, then one over channels."""

import torch
import torch.nn.functional as F

batch = 32
tokens = 256
width = 768
hidden = 1024

REDUCED = {"batch": 2, "tokens": 6, "width": 10, "hidden": 9}


class Mixer(torch.nn.Module):
    def __init__(self, tokens, width, hidden):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.up1, self.down1 = torch.nn.Linear(tokens, hidden), torch.nn.Linear(hidden, tokens)
        self.up2, self.down2 = torch.nn.Linear(width, hidden), torch.nn.Linear(hidden, width)

    def forward(self, x):
        mixed = self.down1(F.gelu(self.up1(self.norm1(x).transpose(1, 2))))
        x = x + mixed.transpose(1, 2)
        return x + self.down2(F.gelu(self.up2(self.norm2(x))))


class Model(torch.nn.Module):
    def __init__(self, tokens, width, hidden):
        super().__init__()
        self.layers = torch.nn.ModuleList(Mixer(tokens, width, hidden) for _ in range(2))
        self.norm = torch.nn.LayerNorm(width)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


def get_inputs():
    return [torch.randn(batch, tokens, width)]


def get_init_inputs():
    return [tokens, width, hidden]
