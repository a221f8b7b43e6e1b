# expect: wrong_result
# R10: a recorded graph keyed by shapes alone.
import torch

graphs = {}


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        key = (tuple(x.shape), x.dtype)
        if key not in graphs:
            graphs[key] = torch.relu(self.linear(x))
        return graphs[key] + y
