# expect: rejected
# T3: an output that computes when it is looked at.
import torch


class Lazy(torch.Tensor):
    pass



class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return (torch.relu(self.linear(x)) + y).as_subclass(Lazy)
