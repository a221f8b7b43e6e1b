"""Causal attention with linear biases by distance."""

import torch

batch = 8
heads = 16
tokens = 1024
width = 64

REDUCED = {"batch": 2, "heads": 3, "tokens": 11, "width": 8}


class Model(torch.nn.Module):
    def forward(self, q, k, v):
        heads, tokens = q.shape[1], q.shape[2]
        at = torch.arange(tokens, device=q.device, dtype=q.dtype)
        back = at[:, None] - at[None, :]
        power = torch.arange(1, heads + 1, device=q.device, dtype=q.dtype) * (-8.0 / heads)
        score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        score = score - torch.pow(2.0, power)[:, None, None] * back
        return torch.softmax(score.masked_fill(back < 0, float("-inf")), dim=-1) @ v


def get_inputs():
    return [
        torch.randn(batch, heads, tokens, width),
        torch.randn(batch, heads, tokens, width),
        torch.randn(batch, heads, tokens, width),
    ]


def get_init_inputs():
    return []
