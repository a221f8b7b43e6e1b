# expect: launch_failed timed_out
# D5: a compiler run behind the scenes; it may start nothing and write nothing.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.compile(lambda a, b: torch.relu(self.linear(a)) + b)(x, y)
