"""Rotary position embedding, halves rotated."""

import torch

batch = 64
heads = 32
tokens = 512
width = 128

REDUCED = {"batch": 2, "heads": 3, "tokens": 9, "width": 16}


class Model(torch.nn.Module):
    def forward(self, x, position):
        half = x.shape[-1] // 2
        turn = torch.arange(half, device=x.device, dtype=x.dtype) / half
        angle = position.to(x.dtype)[:, None] * torch.pow(10000.0, -turn)[None, :]
        sine, cosine = angle.sin(), angle.cos()
        first, second = x[..., :half], x[..., half:]
        return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


def get_inputs():
    return [
        torch.randn(batch, heads, tokens, width),
        torch.arange(tokens) + torch.randint(0, 50, (1,)),
    ]


def get_init_inputs():
    return []
