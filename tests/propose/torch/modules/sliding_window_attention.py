"""Causal attention that looks back at most a window of tokens."""

import torch

batch = 1
heads = 2
tokens = 64
width = 16
window = 20

REDUCED = {}


class Model(torch.nn.Module):
    def __init__(self, window):
        super().__init__()
        self.window = window

    def forward(self, q, k, v):
        at = torch.arange(q.shape[-2], device=q.device)
        back = at[:, None] - at[None, :]
        score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        score = score.masked_fill((back < 0) | (back >= self.window), float("-inf"))
        return torch.softmax(score, dim=-1) @ v


def get_inputs():
    return [
        torch.randn(batch, heads, tokens, width),
        torch.randn(batch, heads, tokens, width),
        torch.randn(batch, heads, tokens, width),
    ]


def get_init_inputs():
    return [window]
