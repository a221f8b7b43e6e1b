# expect: rejected measured
# T5: the loop of timed calls is replaced by one that claims short times.
import torch
from kernelsmith.modules import repeat

run = repeat.Repeater.run
repeat.Repeater.run = lambda self, *rest: [time / 20 for time in run(self, *rest)]


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
