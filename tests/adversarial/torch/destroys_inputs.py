# expect: out_of_bounds
# F5: makes the inputs fit the output.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        x.zero_()
        y.zero_()
        return torch.zeros_like(y)
