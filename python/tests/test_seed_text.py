import pytest

from kernelsmith.seeds.graph_inputs import input_expressions
from kernelsmith.seeds.launch import arguments_of, wrapped
from kernelsmith.seeds.layout import Layout, view_text
from kernelsmith.seeds.module_source import eager_text, with_forward
from kernelsmith.seeds.trace import Refusal

MODULE = '''"""A module."""

import torch
import torch.nn.functional as F

width = 8
rows = 4

REDUCED = {"rows": 2}


def twice(x):
    return 2 * x


class Inner(torch.nn.Module):
    def forward(self, x):
        return twice(x)


class Model(torch.nn.Module):
    """Does it."""

    def __init__(self, width):
        super(Model, self).__init__()
        self.inner = Inner()  # kept
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x):
        return F.relu(self._half(self.linear(self.inner(x))))

    def _half(self, x):
        return x / 2


def get_inputs():
    return [torch.randn(rows, width)]


def get_init_inputs():
    return [width]
'''


def test_renames_the_class_and_leaves_the_task_out() -> None:
    text = eager_text(MODULE, "m.py")
    assert "class ModelNew(torch.nn.Module):" in text
    assert "super(ModelNew, self)" in text
    assert "# kept" in text and "def twice" in text
    for gone in ("get_inputs", "REDUCED", "rows", "class Model("):
        assert gone not in text


def test_puts_a_forward_in_place_and_drops_what_only_the_old_one_called() -> None:
    text = with_forward(MODULE, "m.py", ["y = x + 1", "return y"], {"torch"})
    assert "    def forward(self, x):\n        y = x + 1\n        return y\n" in text
    for gone in ("_half", "twice", "F.relu", "functional", "width = 8"):
        assert gone not in text
    assert "class Inner(torch.nn.Module):\n    pass\n" in text
    compile(text, "m.py", "exec")


def test_refuses_a_file_without_a_model() -> None:
    with pytest.raises(Refusal, match=r"m\.py has no class Model"):
        eager_text("import torch\n", "m.py")
    with pytest.raises(Refusal, match=r"m\.py, line 1"):
        eager_text("class (\n", "m.py")


def test_names_inputs_as_forward_does() -> None:
    sources = [
        "L['self']._modules['blocks']._modules['0']._parameters['weight']",
        "L['self'].linear.bias",
        "L['x']",
        "L['self']._buffers['table']",
    ]
    expected = ["self.blocks[0].weight", "self.linear.bias", "x", "self.table"]
    assert input_expressions(sources) == expected
    with pytest.raises(Refusal, match="twice"):
        input_expressions(["L['x']", "L['x']"])


@pytest.mark.parametrize(
    ("new", "offset", "text"),
    [
        (Layout((4, 6), (6, 1)), 0, "x"),
        (Layout((2, 12), (12, 1)), 0, "x.view(2, 12)"),
        (Layout((6, 4), (1, 6)), 0, "x.t()"),
        (Layout((4, 3), (6, 1)), 3, "x.as_strided((4, 3), (6, 1), x.storage_offset() + 3)"),
        (Layout((5, 4, 6), (0, 6, 1)), 0, "x.as_strided((5, 4, 6), (0, 6, 1))"),
    ],
)
def test_writes_views_as_people_do(new: Layout, offset: int, text: str) -> None:
    assert view_text("x", Layout((4, 6), (6, 1)), new, offset) == text


def test_keeps_lines_short() -> None:
    call = "kernel[lambda meta: (triton.cdiv(4, meta['X']),)](a, b.view(2, 3), X=4)"
    assert wrapped(call, 8) == [call]
    assert wrapped(call, 40) == [call.split("](")[0] + "](", "    a, b.view(2, 3), X=4", ")"]
    assert arguments_of("a, f(b, c), d[1, 2]") == ["a", "f(b, c)", "d[1, 2]"]
