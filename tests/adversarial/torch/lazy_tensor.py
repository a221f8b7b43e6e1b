# expect: rejected
# T3: a tensor that computes when somebody looks at it.
import torch


class Lazy(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, arguments=(), keywords=None):
        plain = [a.work() if isinstance(a, Lazy) else a for a in arguments]
        return function(*plain, **(keywords or {}))


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        lazy = y.clone().as_subclass(Lazy)
        lazy.work = lambda: torch.relu(self.linear(x)) + y
        return lazy
