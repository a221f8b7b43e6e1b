"""What the end-to-end tests share: run the real binary in a folder of its own and look for leftovers."""
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

KSMITH = os.environ.get("KSMITH", "build/release/bin/ksmith")
PR_SET_CHILD_SUBREAPER = 36
# Small enough that a step takes a fraction of a second; the verdicts stay as strict.
QUICK = """[evaluation]
check_trials = 1
time_budget_s = 0.2
min_pairs = 6
max_pairs = 12
"""


def children() -> list[int]:
    """Processes whose parent is this one, orphans of ours included."""
    found = []
    for path in pathlib.Path("/proc/self/task").glob("*/children"):
        found += [int(pid) for pid in path.read_text().split()]
    return found


class EndToEnd(unittest.TestCase):
    """A fresh folder for each test; afterwards no process and no temporary file may be left."""

    def setUp(self) -> None:
        # Orphans of killed programs become our children, so that none escapes the count.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.tmp = self.dir / "tmp"
        self.tmp.mkdir()
        (self.dir / "quick.toml").write_text(QUICK)
        self.addCleanup(self.check_nothing_left)

    def check_nothing_left(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            self.reap()
            left = children()
            if not left or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        commands = [pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.reap()
        self.assertEqual(commands, [], "processes left behind")
        self.assertEqual(list(self.tmp.iterdir()), [], "temporary files left behind")

    @staticmethod
    def reap() -> None:
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            pass

    def environment(self, **changes: str) -> dict[str, str]:
        return {**os.environ, "TMPDIR": str(self.tmp), **changes}

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        options.setdefault("env", self.environment())
        options.setdefault("start_new_session", True)
        return subprocess.Popen([KSMITH, *arguments], cwd=self.dir, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def ksmith(self, *arguments: str, status: int = 0, timeout: float = 240,
               **options) -> subprocess.CompletedProcess:
        """Runs to the end and compares the exit status."""
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"ksmith {' '.join(arguments)} did not end\n{out}\n{err}")
        self.assertEqual(process.returncode, status,
                         f"ksmith {' '.join(arguments)}\n--- out\n{out}\n--- err\n{err}")
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, status: int = 0) -> dict:
        return json.loads(self.ksmith(*arguments, status=status).stdout)

    def small_task(self, name: str = "small") -> str:
        """A scaffolded task: quick to judge, with calls long enough to be timed on a busy machine."""
        self.ksmith("tasks", "new", name)
        description = self.dir / name / "task.toml"
        description.write_text(description.read_text().replace("rows = 512", "rows = 2048"))
        return name

    def evolve(self, *arguments: str, run: str = "run", **options) -> subprocess.CompletedProcess:
        return self.ksmith("evolve", *arguments, "--run", run, "--config", "quick.toml", **options)

    def wait_for(self, what: str, condition, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"waited {seconds} s for {what}")
            time.sleep(0.02)

    def evaluations(self, run: str) -> int:
        """Judged candidates in the record right now, 0 when there is no readable run yet."""
        process = self.start("show", run, "--json")
        out, _err = process.communicate()
        return json.loads(out)["evaluations"] if process.returncode == 0 else 0


def main() -> None:
    """Runs one test; exits with 77 when it was skipped, printing why."""
    program = unittest.main(exit=False, verbosity=2)
    for _, why in program.result.skipped:
        print(f"SKIP: {why}")
    if not program.result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if program.result.skipped else 0)
