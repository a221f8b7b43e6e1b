# expect: measured out_of_memory
# Keeps what it can get; the judge's own memory must not depend on it.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        if not hasattr(self, "kept"):
            self.kept = []
            try:
                while True:
                    self.kept.append(torch.empty(1 << 30, dtype=torch.uint8, device=x.device))
            except torch.cuda.OutOfMemoryError:
                del self.kept[-4:]
                torch.cuda.empty_cache()
        return torch.relu(self.linear(x)) + y
