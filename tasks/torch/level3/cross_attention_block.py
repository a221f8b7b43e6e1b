"""Queries that read a padded memory, then a feed-forward network; post-norm."""

import torch
import torch.nn.functional as F

batch = 16
queries = 300
tokens = 1024
width = 256
heads = 8

REDUCED = {"batch": 2, "queries": 5, "tokens": 9, "width": 12, "heads": 3}


class Model(torch.nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (
            torch.nn.Linear(width, width),
            torch.nn.Linear(width, width),
            torch.nn.Linear(width, width),
        )
        self.out, self.up, self.down = (
            torch.nn.Linear(width, width),
            torch.nn.Linear(width, 4 * width),
            torch.nn.Linear(4 * width, width),
        )
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)

    def forward(self, x, memory, padded):
        batch, queries, width = x.shape
        q = self.q(x).view(batch, queries, self.heads, -1).transpose(1, 2)
        k = self.k(memory).view(batch, memory.shape[1], self.heads, -1).transpose(1, 2)
        v = self.v(memory).view(batch, memory.shape[1], self.heads, -1).transpose(1, 2)
        score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        score = score.masked_fill(padded[:, None, None, :], -1e4)
        y = (torch.softmax(score, dim=-1) @ v).transpose(1, 2).reshape(batch, queries, width)
        x = self.norm1(x + self.out(y))
        return self.norm2(x + self.down(F.relu(self.up(x))))


def get_inputs():
    return [
        torch.randn(batch, queries, width),
        torch.randn(batch, tokens, width),
        torch.rand(batch, tokens) < 0.2,
    ]


def get_init_inputs():
    return [width, heads]
