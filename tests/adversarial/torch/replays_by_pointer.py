# expect: wrong_result nondeterministic
# R1: keeps the result of every address.
import torch

known = {}


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        key = (x.data_ptr(), y.data_ptr())
        if key not in known:
            known[key] = torch.relu(self.linear(x)) + y
        return known[key].clone()
