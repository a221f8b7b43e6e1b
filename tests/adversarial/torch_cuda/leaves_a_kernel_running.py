# expect: measured rejected timed_out wrong_result
# T10: a kernel outlasts the call on a stream that nobody knows; it gains nothing.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            torch.cuda._sleep(20_000_000)
        return torch.relu(self.linear(x)) + y
