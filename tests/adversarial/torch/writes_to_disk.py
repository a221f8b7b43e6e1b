# expect: launch_failed
# Leaves a file.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        with open("/tmp/ksmith-adversarial-torch", "w") as file:
            file.write("here")
        return torch.relu(self.linear(x)) + y
