"""Pre-norm decoder block with rotary positions and a SwiGLU network."""

import torch
import torch.nn.functional as F

batch = 8
tokens = 1024
width = 1024
heads = 16
hidden = 2816

REDUCED = {"batch": 2, "tokens": 7, "width": 24, "heads": 3, "hidden": 20}


class Model(torch.nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1 = torch.nn.RMSNorm(width, eps=1e-6)
        self.norm2 = torch.nn.RMSNorm(width, eps=1e-6)
        self.qkv = torch.nn.Linear(width, 3 * width, bias=False)
        self.out = torch.nn.Linear(width, width, bias=False)
        self.gate = torch.nn.Linear(width, hidden, bias=False)
        self.up = torch.nn.Linear(width, hidden, bias=False)
        self.down = torch.nn.Linear(hidden, width, bias=False)

    def rotate(self, x):
        half = x.shape[-1] // 2
        turn = torch.arange(half, device=x.device, dtype=x.dtype) / half
        at = torch.arange(x.shape[-2], device=x.device, dtype=x.dtype)
        angle = at[:, None] * torch.pow(10000.0, -turn)[None, :]
        first, second = x[..., :half], x[..., half:]
        sine, cosine = angle.sin(), angle.cos()
        return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)

    def attend(self, x):
        batch, tokens, width = x.shape
        parts = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        q, k = self.rotate(q), self.rotate(k)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


def get_inputs():
    return [torch.randn(batch, tokens, width)]


def get_init_inputs():
    return [width, heads, hidden]
