"""Exact GEGLU gate over separate tensors."""

import torch
import torch.nn.functional as F

batch = 8
tokens = 2048
width = 5120

REDUCED = {"batch": 2, "tokens": 5, "width": 37}


class Model(torch.nn.Module):
    def forward(self, gate, value):
        return F.gelu(gate) * value


def get_inputs():
    return [torch.randn(batch, tokens, width), torch.randn(batch, tokens, width)]


def get_init_inputs():
    return []
