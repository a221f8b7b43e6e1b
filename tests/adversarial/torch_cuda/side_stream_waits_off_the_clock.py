# expect: rejected measured
# T1, T6: works on a stream of its own; the harness's copy, patched, waits for it after the last mark.
import torch
from kernelsmith.modules import memory

STREAM = torch.cuda.Stream()
write = memory.SharedMemory.write


def late_write(self, place, value):
    torch.cuda.current_stream().wait_stream(STREAM)
    write(self, place, value)


memory.SharedMemory.write = late_write


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        STREAM.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(STREAM):
            return torch.relu(self.linear(x)) + y
