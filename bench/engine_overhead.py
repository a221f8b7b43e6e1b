#!/usr/bin/env python3
"""Share of wall time that `evolve` spends on neither compiling nor running, from recorded runs.

An evaluation's record has the seconds of its stages, its events when it was proposed and judged. Wall
time in which no evaluation was in a stage is the engine's own: selecting, proposing, committing,
showing. Usage: bench/engine_overhead.py RUN [RUN ...] [--out bench/results/engine_overhead.json]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

KSMITH = os.environ.get("KSMITH", "build/release/bin/ksmith")


def read_events(run: str) -> list[dict]:
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "events.jsonl"
        subprocess.run([KSMITH, "export", run, "--events", lines], check=True,
                       stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in lines.read_text().splitlines()]


def covered(spans: list[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def measure(run: str) -> dict:
    spans: list[tuple[float, float]] = []
    proposing, wall, task = 0.0, 0.0, ""
    for event in read_events(run):
        body = event["body"]
        wall = max(wall, event["elapsed_s"])
        if body["kind"] == "run_started":
            task = body["task"]
        elif body["kind"] == "candidate_proposed":
            proposing += body["propose_seconds"]
        elif body["kind"] == "candidate_evaluated":
            length = sum(body["evaluation"]["seconds"].values())
            spans.append((event["elapsed_s"] - length, event["elapsed_s"]))
    wall = max(wall, 1e-9)
    alone = max(0.0, wall - covered(spans))
    return {"task": task, "evaluations": len(spans), "seconds": round(wall, 3),
            "engine_alone_share": round(alone / wall, 5), "propose_share": round(proposing / wall, 5),
            "propose_ms_mean": round(1e3 * proposing / max(1, len(spans)), 3)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--out", default="")
    args = parser.parse_args()
    rows = [measure(run) for run in args.runs]
    for row in rows:
        print(f"{row['task']:16} {row['evaluations']:4} evaluations {row['seconds']:7.1f} s  "
              f"engine alone {100 * row['engine_alone_share']:5.2f} %  "
              f"proposing {100 * row['propose_share']:5.2f} %")
    wall = sum(row["seconds"] for row in rows)
    total = sum(row["engine_alone_share"] * row["seconds"] for row in rows) / wall
    print(f"all: engine alone {100 * total:.2f} % of {wall:.0f} s")
    if args.out:
        document = {"bench": "engine_overhead", "engine_alone_share": round(total, 5), "runs": rows}
        pathlib.Path(args.out).write_text(json.dumps(document, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
