# expect: wrong_result
# R3: a cache of weights that outlives its model.
import torch

weights = {}


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        weight = weights.setdefault("weight", self.linear.weight)
        return torch.relu(x @ weight.T + self.linear.bias) + y
