# expect: rejected measured wrong_result nondeterministic
# T4, T5: "done" is said before the work is; the marks say next to nothing.
import torch
from kernelsmith.modules import beat, repeat

torch.cuda.Event.elapsed_time = lambda self, other: 1e-3
call, done = repeat.Repeater.call, beat.Beat.done
page, said = [], []


def await_go(self, number, real=beat.Beat.await_go):
    values = real(self, number)
    page[:] = [self, number]
    return values


def early(self, *rest, synchronize=torch.cuda.synchronize):
    torch.cuda.synchronize = lambda *rest: None
    try:
        call(self, *rest)
    finally:
        torch.cuda.synchronize = synchronize


beat.Beat.await_go = await_go
repeat.Repeater.call = early


class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x, y):
        if page:
            done(*page)
            page.clear()
        return torch.relu(self.linear(x)) + y
