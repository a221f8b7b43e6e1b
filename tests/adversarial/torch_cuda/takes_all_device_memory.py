# expect: out_of_memory
# Takes device memory until there is none.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        self.kept = []
        while True:
            self.kept.append(torch.empty(1 << 30, dtype=torch.uint8, device=x.device))
