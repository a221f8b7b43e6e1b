# expect: wrong_result nondeterministic launch_failed
# R10: captures a CUDA graph once and replays it without looking at its arguments.
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        if not hasattr(self, "graph"):
            torch.relu(self.linear(x))
            torch.cuda.synchronize()
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.out = torch.relu(self.linear(x)) + y
        self.graph.replay()
        return self.out.clone()
