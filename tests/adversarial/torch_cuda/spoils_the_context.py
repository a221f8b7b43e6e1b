# expect: crashed launch_failed
# A stray write on the device; its context dies with its process.
import torch
import triton
import triton.language as tl


@triton.jit
def poke(out, far):
    tl.store(out + far, 1.0)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        poke[(1,)](x, 1 << 40)
        return torch.relu(self.linear(x)) + y
