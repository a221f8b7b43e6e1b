#!/usr/bin/env python3
"""Evolution beside best-of-N under the same budget: `ksmith compare` of the built-in improver, random
skills, the preset `paper` and best_of_n, whose model is a server that plays recorded answers.

The answers lie in bench/answers/TASK.md: independent one-shot answers of a language model to "write the
fastest version", without feedback (see bench/answers/README.md). A request draws one of its task by its
own seed, with replacement: the same search gets the same answers again.

Usage: bench/compare_with_answers.py [--seeds 5] [--steps 12] [--tasks a,b] [--out runs/compare_answers]
[--answers bench/answers] [--ksmith build/release/bin/ksmith] [--port 18085]
Stopped, it goes on where it was: an --out folder needs the same --port.
"""
import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))
from llm_server import ScriptedServer  # noqa: E402

ANSWER = re.compile(r"^## Answer \d+\n(.*?)(?=^## Answer|\Z)", re.M | re.S)
CONFIGS = ("builtin", "random", "paper")


def read_answers(folder: pathlib.Path) -> dict[str, list[str]]:
    """Answers by task."""
    answers = {file.stem: [text.strip() for text in ANSWER.findall(file.read_text())]
               for file in sorted(folder.glob("*.md")) if file.stem != "README"}
    return {task: found for task, found in answers.items() if found}


class Player:
    """The script of a server: one of the task's answers, drawn by the request's seed."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.server: ScriptedServer | None = None

    def __call__(self, prompt: str, number: int) -> str | tuple[int, str]:
        named = re.search(r'extern "C" void (\w+)\(', prompt)
        answers = self.answers.get(named.group(1) if named else "", [])
        if not answers:
            return 404, '{"error": {"message": "no answers of this task"}}'
        return answers[self.server.requests[number]["seed"] % len(answers)]


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
    player = Player(answers)
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    with ScriptedServer(player, port=options.port) as server:
        player.server = server
        config = out / "best_of_n.toml"
        config.write_text(f'[run]\nproposer = "best_of_n"\n\n[[model]]\nname = "recorded"\nurl = "{server.url}"\n')
        return subprocess.run([options.ksmith, "compare", *CONFIGS, f"best_of_n={config}",
                               "--tasks", ",".join(tasks), "--seeds", str(options.seeds),
                               "--steps", str(options.steps), "--out", str(out)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
