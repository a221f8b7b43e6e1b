# expect: wrong_result
# R4: state in a function attribute.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        last = getattr(ModelNew.forward, "last", None)
        ModelNew.forward.last = torch.relu(self.linear(x)) + y
        return ModelNew.forward.last.clone() if last is None else last
