#!/usr/bin/env python3
"""Evolution beside best-of-N under the same budget: `ksmith compare` of the built-in improver, random
skills, the preset `paper` and best_of_n, whose model is a server that plays recorded answers.

The answers lie in bench/answers/TASK.md: independent one-shot answers of a language model to "make this
as fast as possible", without feedback (see bench/answers/README.md). They are drawn without replacement
until none is left, then anew. Those for AVX-512 are left out where the processor has none.

Usage: bench/compare_with_answers.py [--seeds 5] [--steps 12] [--tasks a,b] [--out runs/compare_answers]
[--answers bench/answers] [--ksmith build/release/bin/ksmith] [--port 18085]
Stopped, it goes on where it was: an --out folder needs the same --port.
"""
import argparse
import pathlib
import random
import re
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))
from llm_server import ScriptedServer

ANSWER = re.compile(r"^## Answer \d+\n(.*?)(?=^## Answer|\Z)", re.MULTILINE | re.DOTALL)
CONFIGS = ("builtin", "random", "paper")


def read_answers(folder: pathlib.Path) -> dict[str, list[str]]:
    """Return the answers that can run here, by task."""
    wide = "avx512f" in pathlib.Path("/proc/cpuinfo").read_text()
    answers = {file.stem: [text.strip() for text in ANSWER.findall(file.read_text())]
               for file in sorted(folder.glob("*.md")) if file.stem != "README"}
    usable = {task: [text for text in found if wide or "m512" not in text]
              for task, found in answers.items()}
    return {task: found for task, found in usable.items() if found}


class Player:
    """The script of a server: answers of the task that the prompt is about, shuffled."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.left: dict[str, list[str]] = {}
        self.lock = threading.Lock()
        self.rng = random.Random(1)

    def __call__(self, prompt: str, _number: int) -> str | tuple[int, str]:
        named = re.search(r'extern "C" void (\w+)\(', prompt)
        task = named.group(1) if named else ""
        if task not in self.answers:
            return 404, '{"error": {"message": "no answers of this task"}}'
        with self.lock:
            left = self.left.setdefault(task, [])
            if not left:
                left += self.rng.sample(self.answers[task], len(self.answers[task]))
            return left.pop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--out", default="runs/compare_answers")
    parser.add_argument("--answers", type=pathlib.Path, default=HERE / "answers")
    parser.add_argument("--ksmith", default="build/release/bin/ksmith")
    parser.add_argument("--port", type=int, default=18085)
    options = parser.parse_args()
    answers = read_answers(options.answers)
    tasks = options.tasks.split(",") if options.tasks else sorted(answers)
    missing = [task for task in tasks if task not in answers]
    if missing:
        parser.error(f"no answers in {options.answers} for: {', '.join(missing)}")
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with ScriptedServer(Player(answers), port=options.port) as server:
        config = out / "best_of_n.toml"
        config.write_text(f'[run]\nproposer = "best_of_n"\n\n[[model]]\nname = "recorded"\nurl = "{server.url}"\n')
        return subprocess.run([options.ksmith, "compare", *CONFIGS, f"best_of_n={config}",
                               "--tasks", ",".join(tasks), "--seeds", str(options.seeds),
                               "--steps", str(options.steps), "--out", str(out)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
