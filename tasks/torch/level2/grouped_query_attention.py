"""Causal attention in which several queries share a key and a value."""

import torch
import torch.nn.functional as F

batch = 8
heads = 32
groups = 8
tokens = 1024
width = 128

REDUCED = {"batch": 2, "heads": 4, "groups": 2, "tokens": 9, "width": 8}


class Model(torch.nn.Module):
    def forward(self, q, k, v):
        share = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(share, dim=1), v.repeat_interleave(share, dim=1)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def get_inputs():
    return [
        torch.randn(batch, heads, tokens, width),
        torch.randn(batch, groups, tokens, width),
        torch.randn(batch, groups, tokens, width),
    ]


def get_init_inputs():
    return []
