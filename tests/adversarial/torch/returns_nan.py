# expect: wrong_result
# N5: a value that fails no careless comparison.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.full_like(y, float("nan"))
