# expect: out_of_bounds rejected
# F5: right, but in the memory of an input.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return y.add_(torch.relu(self.linear(x))).clone()
