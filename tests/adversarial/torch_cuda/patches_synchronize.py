# expect: launch_failed rejected wrong_result measured
# T6: nothing waits for the device; what lies in the outputs when the clock stops is judged.
import torch

torch.cuda.synchronize = lambda *arguments: None


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        return torch.relu(self.linear(x)) + y
