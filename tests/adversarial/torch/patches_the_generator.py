# expect: wrong_result
# E2: random numbers that are all one.
import torch

torch.randn = torch.rand = lambda *shape, **options: torch.ones(*shape)


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(torch.ones_like(x))) + 1.0
