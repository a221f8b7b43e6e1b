from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="no torch in build/venv; run tools/setup.sh --torch")

from kernelsmith.modules.gate import Gate  # noqa: E402
from kernelsmith.modules.model import Reference  # noqa: E402
from kernelsmith.modules.reduce import input_bytes  # noqa: E402
from kernelsmith.modules.source import reductions_of  # noqa: E402

LIBRARY = Path(__file__).parents[2] / "tasks" / "torch"
MODULES = sorted(LIBRARY.glob("level*/*.py"))


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def reduced(path: Path) -> Reference:
    reference = Reference(path.read_text(), path.name)
    sizes = reductions_of(reference.space)
    assert sizes, "a module of the library has REDUCED sizes"
    reference.set_sizes(sizes)
    return reference


def test_has_thirty_twenty_and_ten_modules_at_its_three_levels() -> None:
    count = [len(list(LIBRARY.glob(f"level{level}/*.py"))) for level in (1, 2, 3)]
    assert count == [30, 20, 10]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_passes_the_gate_at_its_reduced_sizes(path: Path) -> None:
    gate = Gate(reduced(path))
    faults = [check for check in gate.run() if not check["passed"]]
    assert not faults
    assert len(gate.checks) >= 8


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_gives_the_same_twice_and_something_else_for_other_inputs(path: Path) -> None:
    reference = reduced(path)
    model, inputs = reference.new_model(3), reference.new_inputs(3)
    first, second = reference.run(model, inputs), reference.run(model, inputs)
    other = reference.run(model, reference.new_inputs(4))
    for left, right in zip(first, second, strict=True):
        assert torch.equal(left, right)
        assert bool(torch.isfinite(left.double()).all())
    assert any(not torch.equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_has_an_oracle_in_fp64(path: Path) -> None:
    reference = reduced(path)
    outputs = reference.run_double(reference.new_model(5), reference.new_inputs(5))
    assert outputs is not None
    assert all(o.dtype is torch.float64 for o in outputs if o.is_floating_point())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_fills_a_gpu_without_exhausting_it_at_full_size(path: Path) -> None:
    size = input_bytes(Reference(path.read_text(), path.name))
    assert size is not None
    assert 1 << 20 <= size <= 2 << 30
