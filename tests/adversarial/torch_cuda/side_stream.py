# expect: wrong_result nondeterministic rejected
# T1: works on a stream of its own and returns at once.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            torch.cuda._sleep(2_000_000)
            return torch.relu(self.linear(x)) + y
