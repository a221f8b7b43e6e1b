import errno
import gc
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="no torch in build/venv; run tools/setup.sh --torch")

from kernelsmith.modules import beat, candidate, host, memory, reference, timed  # noqa: E402
from kernelsmith.modules.channel import Channel  # noqa: E402
from kernelsmith.modules.compare import compare, is_near  # noqa: E402
from kernelsmith.modules.gate import Gate  # noqa: E402
from kernelsmith.modules.model import Reference  # noqa: E402
from kernelsmith.modules.reduce import choose_sizes, free_axes  # noqa: E402
from kernelsmith.modules.source import Problem, problem_of  # noqa: E402

MODULE = """
import torch
rows = 64
REDUCED = {"rows": 3}
class Model(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
    def forward(self, x):
        return torch.relu(self.linear(x))
def get_inputs():
    return [torch.randn(rows, 8)]
def get_init_inputs():
    return [8]
"""
HONEST = """
import torch
class ModelNew(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
    def forward(self, x):
        return (x @ self.linear.weight.T + self.linear.bias).clamp_min(0)
"""


class Pair:
    """Both sides in this process: what the program does, without the sandbox."""

    def __init__(self, module: str, source: str) -> None:
        self.trusted = reference.Server()
        request = {"source": module, "file": "m.py", "memory_bytes": 1 << 30, "workload": "small"}
        self.opened = self.trusted.do_open(request, [])
        self.other = candidate.Server()
        self.other.load({"source": source, "file": "c.py", "precision": "fp32"}, [])

    def call(self, new_model: bool, seed: int, repeat: int | None = None) -> dict[str, Any]:
        draw = {"model_seed": seed if new_model else None, "input_seed": seed, "repeat": repeat}
        drawn = self.trusted.do_draw(draw, [])
        ask = {"init": self.opened["init"], "new_model": new_model, **drawn}
        files, self.trusted.outgoing = self.trusted.outgoing, []
        self.other.call(ask, files)
        return self.trusted.do_judge({"call": drawn["call"], "repeat": repeat}, [])

    def stage(self, empty: bool = False) -> None:
        request = {"model_seed": 5, "sets": 3, "sides": 1, "slots": 2, "memory_bytes": 1 << 20}
        staged = self.trusted.do_stage(request, [])
        ask = {"init": self.opened["init"], "empty": empty, "warm_calls": 2, "graph": False}
        files, self.trusted.outgoing = self.trusted.outgoing, []
        self.other.prepare({**staged, **ask}, files)
        self.next = 1

    def timed(self, seed: int = 9, left_out: int = -1) -> dict[str, Any]:
        """One run of three calls; of one the candidate only says that it is done."""
        self.trusted.do_sow({"seed": seed, "sets": 3}, [])
        with ThreadPoolExecutor() as both:
            ask = {"first": self.next, "calls": 3}
            if left_out >= 0:
                real = self.other.repeater.call
                stays_away = count()

                def call(slot: Any, begin: Any, end: Any) -> None:
                    if next(stays_away) != left_out:
                        real(slot, begin, end)
                    else:
                        begin.record(), end.record()

                self.other.repeater.call = call
            ran = both.submit(self.other.run, ask, [])
            lead = {"side": 0, "watched": 1, "timeout_s": 10, **ask}
            self.led = self.trusted.do_lead(lead, [])
            self.times = ran.result()["ran"]
        self.next += 3
        return self.judge([0, 1, 2], [1])

    def judge(self, sets: list[int], exact: list[int]) -> dict[str, Any]:
        return self.trusted.do_judge_timed({"side": 0, "sets": sets, "exact": exact}, [])


def problem(module: str, source: str) -> Problem:
    with pytest.raises(Problem) as caught:
        Pair(module, source).call(True, 1)
    return caught.value


def test_accepts_an_honest_candidate_in_every_call() -> None:
    pair = Pair(MODULE, HONEST)
    verdicts = [pair.call(True, 1), pair.call(False, 2), pair.call(False, 2, 0), pair.call(True, 3)]
    assert [v["verdict"] for v in verdicts] == ["passed"] * 4
    assert verdicts[0]["oracle"] == "fp64"
    assert pair.opened["workload"] == "reduced"


def test_repeats_only_calls_of_the_same_weights() -> None:
    pair = Pair(MODULE, HONEST)
    pair.call(True, 1)
    pair.call(True, 2)
    with pytest.raises(Problem, match="other weights"):
        pair.call(False, 3, repeat=0)


def test_gives_a_zero_bias_content_so_that_leaving_it_out_is_wrong() -> None:
    module = MODULE.replace(
        "self.linear = torch.nn.Linear(width, width)",
        "self.linear = torch.nn.Linear(width, width); torch.nn.init.zeros_(self.linear.bias)",
    )
    lazy = HONEST.replace(" + self.linear.bias", "")
    assert Pair(module, lazy).call(True, 1)["verdict"] == "wrong"


def test_tells_the_first_wrong_element() -> None:
    wrong = HONEST.replace(".clamp_min(0)", ".clamp_min(0).index_fill(1, torch.tensor([5]), 7.0)")
    verdict = Pair(MODULE, wrong).call(True, 1)
    assert (verdict["verdict"], verdict["index"], verdict["got"]) == ("wrong", 5, 7.0)
    assert (verdict["mismatches"], verdict["elements"]) == (3, 24)


def test_sees_changed_inputs_from_the_other_side() -> None:
    verdict = Pair(MODULE, HONEST.replace("return (x", "x[0] = 0\n        return (x")).call(True, 1)
    assert verdict == {"verdict": "input_changed", "what": "input 0"}


def test_calls_a_result_that_is_right_only_once_nondeterministic() -> None:
    body = "calls.append(1)\n        if len(calls) > 1: return x * 2\n        return"
    source = HONEST.replace("return", body) + "calls = []\n"
    pair = Pair(MODULE, source)
    assert pair.call(True, 1)["verdict"] == "passed"
    assert pair.call(False, 2, repeat=0)["verdict"] == "nondeterministic"


def test_finds_uncomputed_outputs_poisoned() -> None:
    pair = Pair(MODULE, HONEST)
    drawn = pair.trusted.do_draw({"model_seed": 1, "input_seed": 1}, [])
    verdict = pair.trusted.do_judge({"call": drawn["call"], "repeat": None}, [])
    assert (verdict["verdict"], verdict["got"]) == ("wrong", "nan")


def test_gives_a_time_for_every_timed_call_and_judges_what_they_left() -> None:
    pair = Pair(MODULE, HONEST)
    pair.stage()
    assert pair.timed() == {"verdict": "passed"}
    assert sorted(pair.led) == ["kept", "led", "ready"]
    assert all(len(times) == 3 and min(times) > 0 for times in [pair.times, *pair.led.values()])
    assert min(pair.led["led"]) > min(pair.times)


NUMBERS = MODULE.replace(
    "def forward(self, x)", "def forward(self, share, x, whole, flag)"
).replace(
    "torch.relu(self.linear(x))",
    "torch.relu(self.linear(x)) * share + (whole if flag else 2)",
)
NUMBERS = NUMBERS.replace(
    "[torch.randn(rows, 8)]",
    "[random.random(), torch.randn(rows, 8), random.randrange(5), random.random() < 0.5]",
).replace("import torch", "import random\nimport torch")


def test_hands_over_other_numbers_in_every_call() -> None:
    honest = HONEST.replace("self, x)", "self, share, x, whole, flag)").replace(
        ".clamp_min(0)", ".clamp_min(0) * share + (whole if flag else 2)"
    )
    assert gate_of(NUMBERS) == {}
    pair = Pair(NUMBERS, honest)
    verdicts = [pair.call(True, 1), pair.call(False, 2), pair.call(False, 2, 0)]
    assert [v["verdict"] for v in verdicts] == ["passed"] * 3
    pair.stage()
    for seed in range(3):
        assert pair.timed(seed) == {"verdict": "passed"}
    stale = honest.replace("* share", "* self.__dict__.setdefault('first', share)")
    pair = Pair(NUMBERS, stale)
    pair.stage()
    assert pair.timed()["verdict"] == "wrong"


@pytest.mark.parametrize("number", ["float('inf')", "float('nan')", "1 << 63"])
def test_refuses_numbers_that_a_message_cannot_hold(number: str) -> None:
    inputs = MODULE.replace("[torch.randn(rows, 8)]", f"[torch.randn(rows, 8), {number}]")
    assert "can be" in gate_of(inputs)["inputs"]
    init = MODULE.replace("return [8]", f"return [{number}]")
    with pytest.raises(Problem, match="can be"):
        Reference(init, "m.py").init_arguments()


def test_sees_a_timed_call_that_was_left_out() -> None:
    pair = Pair(MODULE, HONEST)
    pair.stage()
    verdict = pair.timed(left_out=1)
    assert (verdict["verdict"], verdict["got"]) == ("wrong", "nan")


def test_does_not_count_what_is_written_after_the_end_of_a_call() -> None:
    pair = Pair(MODULE, HONEST)
    pair.stage()
    pair.timed(left_out=2)
    pair.other.repeater.warm()
    assert pair.judge([0, 1], []) == {"verdict": "passed"}
    assert pair.judge([2], [])["verdict"] == "wrong"


def test_sees_changed_inputs_of_a_timed_call() -> None:
    pair = Pair(MODULE, HONEST.replace("return (x", "x[0] = 0\n        return (x"))
    pair.stage()
    assert pair.timed() == {"verdict": "input_changed", "what": "input 0"}


def test_waits_no_longer_for_a_side_that_gives_up() -> None:
    pair = Pair(
        MODULE, HONEST.replace("return (x", "self.seen += 1; 1 / (self.seen < 5); return (x")
    )
    pair.other.space["ModelNew"].seen = 0
    pair.stage()  # two calls; the third of those that are timed fails
    with pytest.raises(Problem, match="division"):
        pair.timed()
    assert len(pair.led["led"]) == 2
    with ThreadPoolExecutor() as both:
        late = both.submit(pair.other.run, {"first": 1, "calls": 1}, [])
        pair.trusted.timed.sides[0].beat.abort()
        with pytest.raises(beat.Aborted):
            late.result()
    lead = {"side": 0, "watched": 0, "timeout_s": 0.01, "first": 7, "calls": 2}
    assert pair.trusted.do_lead(lead, [])["led"] == []


def test_a_page_takes_no_more_numbers_than_it_has_room_for() -> None:
    one, descriptor = beat.create_beat()
    other = beat.Beat(descriptor)
    os.close(descriptor)
    one.go(1, 2, [0.5, 3, True])
    assert other.await_go(1) == (2, [0.5, 3, True])
    with pytest.raises(ValueError, match="too long"):
        one.go(2, 0, [0.123456789] * 9000)


def test_runs_the_same_loop_without_a_module() -> None:
    pair = Pair(MODULE, HONEST)
    pair.stage(empty=True)
    assert pair.timed()["verdict"] == "wrong"
    assert len(pair.times) == 3


@pytest.mark.parametrize(
    ("old", "new", "phase"),
    [
        ("class ModelNew", "class Model", "form"),
        ("def __init__(self, width)", "def __init__(self)", "init"),
        ("self.linear = ", "self.dense = ", "weights"),
        ("def forward(self, x)", "def forward(self, x, y)", "forward"),
        ("(x @", "[0] * 2 or (x @", "output_form"),
        (".clamp_min(0)", ".clamp_min(0).double()", "output_form"),
        (".clamp_min(0)", ".clamp_min(0)[:2]", "output_form"),
        ("return (x @", "return x or (x @", "forward"),
        ("return (x @", "return x.view(-1).view(3, 8)\n        (x @", "output_alias"),
        (".clamp_min(0)", ".clamp_min(0).numpy()", "output_type"),
        (".clamp_min(0)", ".clamp_min(0).to_sparse()", "output_type"),
    ],
)
def test_says_in_which_phase_a_candidate_fails(old: str, new: str, phase: str) -> None:
    assert old in HONEST
    assert problem(MODULE, HONEST.replace(old, new)).phase == phase


def test_names_the_line_of_an_error() -> None:
    with pytest.raises(Problem) as caught:
        Pair(MODULE, "import torch\n\n1 / 0\n")
    assert (caught.value.phase, caught.value.line) == ("import", 3)


def gate_of(module: str) -> dict[str, str]:
    one = Reference(module, "m.py")
    choose_sizes(one, 1 << 30, False)
    return {c["name"]: c["reason"] for c in Gate(one).run() if not c["passed"]}


@pytest.mark.parametrize(
    ("forward", "check"),
    [
        ("x + torch.rand_like(x)", "deterministic"),
        ("torch.dropout(x, 0.5, True)", "deterministic"),
        ("(self.linear(x) - 9e9).clamp(0, 1)", "zeros"),
        ("torch.ones_like(x)", "ones"),
        ("x * 1.0", "first_input"),
        ("x / 0.0", "finite"),
        ("self.linear(x).sum()[None].expand(3, 8)", "permuted"),
        ("self.linear(torch.ones_like(x))", "other_inputs"),
        ("torch.relu(x)", "other_weights"),
        ("float(x.sum())", "runs"),
        ("self.nothing(x)", "runs"),
    ],
)
def test_gate_refuses_what_cannot_be_judged(forward: str, check: str) -> None:
    assert check in gate_of(MODULE.replace("torch.relu(self.linear(x))", forward))


def test_gate_admits_tuples_and_integers() -> None:
    assert gate_of(MODULE) == {}
    pair = "(self.linear(x), (self.linear(x) * 8).round().long())"
    assert gate_of(MODULE.replace("torch.relu(self.linear(x))", pair)) == {}


@pytest.mark.parametrize(
    "inputs", ["[]", "torch.randn(3, 8)", '["text"]', "[torch.randn(3, 8).to(torch.complex64)]"]
)
def test_refuses_inputs_that_cannot_be_handed_over(inputs: str) -> None:
    assert "inputs" in gate_of(MODULE.replace("[torch.randn(rows, 8)]", inputs))


def test_halves_free_axes_where_the_file_has_no_reduced_sizes() -> None:
    module = MODULE.replace('REDUCED = {"rows": 3}', "").replace("rows = 64", "rows = 1 << 22")
    one = Reference(module, "m.py")
    chosen = choose_sizes(one, 1 << 30, False)
    assert free_axes(one) == ["rows"]
    assert (chosen["workload"], chosen["full_bytes"]) == ("scaled", 8 * 4 << 22)
    assert one.new_inputs(1)[0].shape == (1 << 17, 8)


def test_says_so_when_there_is_no_memory_for_the_full_inputs() -> None:
    chosen = choose_sizes(Reference(MODULE, "m.py"), 1000, True)
    assert chosen["workload"] == "reduced"
    assert "no memory for the full inputs (2048 bytes)" in chosen["note"]
    fixed = MODULE.replace('REDUCED = {"rows": 3}', "").replace("randn(rows", "randn(1 << 22")
    with pytest.raises(Problem, match="no axis can be reduced"):
        choose_sizes(Reference(fixed, "m.py"), 1000, True)


def open_files() -> int:
    gc.collect()  # what earlier tests left
    return len(os.listdir("/proc/self/fd"))


def test_keeps_no_file_of_calls_and_stages_open() -> None:
    pair = Pair(MODULE, HONEST)
    counts = []
    for seed in range(6):
        pair.call(True, seed)
        pair.stage()
        pair.timed()
        pair.trusted.do_unstage({}, [])
        # A candidate that gave no answer: the call is never judged.
        pair.trusted.do_draw({"model_seed": None, "input_seed": seed}, [])
        os.close(pair.trusted.outgoing.pop())
        pair.trusted.do_draw({"model_seed": None, "input_seed": seed}, [])
        assert not pair.trusted.outgoing  # the same memory
        again = {"model_seed": None, "input_seed": seed, "new_memory": True}
        pair.trusted.do_draw(again, [])
        os.close(pair.trusted.outgoing.pop())
        counts.append(open_files())
    assert counts[1:] == counts[1:2] * 5


def test_closes_the_files_of_what_there_is_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(MODULE, HONEST)
    pair.call(True, 1)
    pair.trusted._drop_memory()
    pair.trusted.calls = {}
    before = open_files()
    real, made = timed.create_memory, []

    def second_fails(size: int) -> Any:
        if made:
            raise MemoryError("nothing left")
        made.append(real(size))
        return made[-1]

    monkeypatch.setattr(timed, "create_memory", second_fails)
    stage = {"op": "stage", "model_seed": 5, "sets": 3, "sides": 2, "slots": 1}
    stage["memory_bytes"] = 1 << 20
    with pytest.raises(MemoryError):
        pair.trusted.answer(stage, [])
    made.clear()
    assert open_files() == before

    def no_room(descriptor: int, size: int) -> Any:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    drawn = pair.trusted.do_draw({"model_seed": 1, "input_seed": 1}, [])
    received = [os.dup(pair.trusted.outgoing[0])]
    with_call = open_files()
    monkeypatch.setattr(candidate, "open_memory", no_room)
    with pytest.raises(OSError, match="Cannot allocate"):
        candidate.take_memory(drawn, received)
    assert open_files() == with_call - 1
    os.close(pair.trusted.outgoing.pop())
    pair.trusted._drop_memory()
    pair.trusted.calls = {}
    monkeypatch.setattr(memory, "map_file", no_room)
    with pytest.raises(OSError, match="Cannot allocate"):
        memory.create_memory(100)
    assert open_files() == before


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
    ],
)
def test_knows_a_want_of_memory(error: Exception) -> None:
    assert problem_of("reference", error, "m.py").phase == "memory"


def test_is_out_of_memory_where_fp64_had_room_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> Any:
        raise RuntimeError("CUDA out of memory")

    pair = Pair(MODULE, HONEST)
    pair.trusted.do_gate({}, [])
    monkeypatch.setattr(Reference, "_run_double", staticmethod(full))
    with pytest.raises(Problem) as caught:
        pair.call(True, 1)
    assert caught.value.phase == "memory"
    fresh = Pair(MODULE, HONEST)
    fresh.trusted.do_gate({}, [])
    assert fresh.call(True, 1)["oracle"] == "fp32"


def test_empties_whatever_a_child_leaves(tmp_path: Path) -> None:
    (tmp_path / "shut" / "inner").mkdir(parents=True)
    (tmp_path / "shut" / "inner" / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "dangling").symlink_to("nowhere")
    odd = os.path.join(os.fsencode(tmp_path), b"\xff\xfe \n")
    os.mkdir(odd)
    with open(os.path.join(odd, b"\x80"), "wb"):
        pass
    here = os.getcwd()
    try:  # deeper than a path can be long, and than calls can nest
        os.chdir(tmp_path)
        for _ in range(1500):
            os.mkdir("deep")
            os.chdir("deep")
    finally:
        os.chdir(here)
    os.chmod(tmp_path / "shut" / "inner", 0)
    os.chmod(tmp_path / "shut", 0)
    os.chmod(tmp_path, 0o500)
    assert host.empty_scratch(str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_says_so_when_something_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")

    def busy(path: Any) -> None:
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(os, "unlink", busy)
    assert not host.empty_scratch(str(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(host, "SCRATCH_TIMEOUT_S", -1.0)
    assert not host.empty_scratch(str(tmp_path))
    assert (tmp_path / "file").exists()
    assert host.empty_scratch(str(tmp_path / "missing"))


@pytest.mark.parametrize("emptied", [True, False])
def test_a_host_that_cannot_empty_its_place_answers_and_ends(
    emptied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(host, "SOCKET", theirs.detach())
    monkeypatch.setattr(host.ctypes, "CDLL", lambda name: SimpleNamespace(prctl=lambda *a: 0))
    monkeypatch.setattr(host.signal, "signal", lambda *a: None)
    monkeypatch.setattr(host, "warm", dict)
    monkeypatch.setattr(host, "end", lambda child, last: {"code": 0, "last": last})
    monkeypatch.setattr(host, "empty_scratch", lambda: emptied)
    us = Channel(ours.detach())
    us.send({"op": "end", "child": 1})
    us.send({"op": "end", "child": 2})
    us._socket.shutdown(socket.SHUT_WR)
    host.main()
    answers = [us.receive() for _ in range(3 if emptied else 2)]
    assert [a[0] for a in answers if a] == [
        {"ready": True},
        *([{"code": 0, "last": True}] * (2 if emptied else 1)),
    ]
    us.close()


def verdict_of(got: Any, want: Any) -> dict[str, Any] | None:
    return compare(got.float(), want, want.float(), "fp32")


def test_tolerance_takes_fp32_in_another_order_and_no_lower_precision() -> None:
    torch.manual_seed(1)
    a, b = torch.randn(64, 512, dtype=torch.float64), torch.randn(512, 64, dtype=torch.float64)
    want = a @ b
    halves = a.float()[:, :256] @ b.float()[:256] + a.float()[:, 256:] @ b.float()[256:]
    assert compare(halves, want, (a.float() @ b.float()), "fp32") is None
    low = (a.bfloat16() @ b.bfloat16()).float()
    assert compare(low, want, (a.float() @ b.float()), "fp32") is not None
    assert compare(low, want, low, "bf16") is None


def test_tolerance_refuses_one_wrong_element_nan_and_infinity() -> None:
    want = torch.linspace(-3, 3, 1000, dtype=torch.float64)
    assert verdict_of(want, want) is None
    for value in (float("nan"), float("inf"), 0.1):
        got = want.clone()
        got[700] = value
        found = verdict_of(got, want)
        assert found is not None
        assert (found["index"], found["mismatches"]) == (700, 1)
    hole = want.clone()
    hole[3] = float("inf")
    assert verdict_of(hole, hole) is None
    assert verdict_of(want, hole) is not None


def test_tolerance_wants_integers_equal() -> None:
    want = torch.arange(9)
    assert compare(want.clone(), want, want, "fp32") is None
    found = compare(want + (want == 4), want, want, "fp32")
    assert found is not None
    assert (found["index"], found["got"], found["want"]) == (4, 5.0, 4.0)


def test_a_near_result_is_accepted_at_once_and_infinities_never() -> None:
    want = torch.randn(1000, dtype=torch.float64)
    plain = want.float()
    assert is_near(plain, want, 1e-5)
    assert not is_near(plain * 1.001, want, 1e-5)
    for wrong in (float("inf"), float("nan")):
        got, other = plain.clone(), want.clone()
        got[7] = wrong
        assert not is_near(got, want, 1e-5)
        other[7] = wrong
        assert not is_near(plain, other, 1e-5), "the reference has it, the result has not"
        assert compare(plain, other, other.float(), "fp32") is not None


def test_rests_with_no_memory_and_serves_again() -> None:
    pair = Pair(MODULE, HONEST)
    assert pair.call(True, 1)["verdict"] == "passed"
    pair.stage()
    assert pair.timed()["verdict"] == "passed"
    assert pair.other.rest({}, []) == {"rested": True}
    assert pair.other.repeater is None and pair.other.model is None
    pair.stage()
    assert pair.timed()["verdict"] == "passed"


def test_a_module_that_changes_itself_is_copied_for_every_call() -> None:
    head = "def forward(self, x):"
    counts = MODULE.replace(head, f"{head}\n        self.seen = 1 + getattr(self, 'seen', 0)")
    for text, pure in ((MODULE, True), (counts, False)):
        server = reference.Server()
        request = {"source": text, "file": "m.py", "memory_bytes": 1 << 30, "workload": "small"}
        server.do_open(request, [])
        assert server.do_gate({}, [])["admitted"]
        assert server.reference is not None and server.reference.is_pure is pure
