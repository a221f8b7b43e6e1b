# expect: rejected
# F8: the same memory in every call.
import torch

kept = {}


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        if "out" not in kept:
            kept["out"] = torch.empty_like(y)
        return kept["out"].copy_(torch.relu(self.linear(x)) + y)
