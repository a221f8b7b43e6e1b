# expect: rejected measured timed_out
# T10: when its calls are over, the device is busy for as long as its rival is timed.
import torch
from kernelsmith.modules import repeat

run = repeat.Repeater.run


def and_then(self, *rest):
    times = run(self, *rest)
    with torch.cuda.stream(torch.cuda.Stream()):
        torch.cuda._sleep(300_000_000)
    return times


repeat.Repeater.run = and_then


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
