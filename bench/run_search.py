#!/usr/bin/env python3
"""Search result over the task library: evolves every task with several seeds and writes one JSON.

Speed-ups are those that the run itself confirmed against its baseline, the seed compiled with the best
flags found by trying. Usage: bench/run_search.py [--tasks a,b] [--seeds 1,2,3] [--steps 190]
[--minutes 6] [--out bench/results/search.json] [--ksmith build/release/bin/ksmith] [--lanes N]

--lanes N runs N searches at a time, each on two cores of its own: for machines with many cores.
"""
import argparse
import concurrent.futures
import json
import math
import pathlib
import platform
import queue
import subprocess
import sys
import tempfile
import time


def run_json(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def evolve(ksmith: str, task: str, seed: int, steps: int, minutes: float, folder: str,
           prefix: list[str]) -> dict:
    run = f"{folder}/{task}-{seed}"
    begin = time.monotonic()
    command = [*prefix, ksmith, "evolve", task, "--steps", str(steps), "--minutes", str(minutes),
               "--seed", str(seed), "--run", run]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        return {"task": task, "seed": seed, "error": done.stderr.strip()[-500:]}
    show = run_json([ksmith, "show", run, "--json"])
    best = show["best"]
    return {
        "task": task, "seed": seed, "speedup": best["speedup"],
        "speedup_over_seed": show.get("speedup_over_seed"),
        "steps_from_seed": best["steps_from_seed"], "evaluations": show["evaluations"],
        "seconds": round(time.monotonic() - begin, 1), "outcomes": show["outcomes"],
        "archive_hash": show["archive_hash"],
    }


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else 0.0


# What figures are compared on from release to release; later tasks are named with --tasks.
FIRST_RELEASE = ("argmax", "attention", "batched_matmul", "conv2d", "cross_entropy", "cumsum",
                 "depthwise_conv", "gelu", "histogram", "layer_norm", "log_softmax", "matmul",
                 "matvec", "rms_norm", "softmax", "spmv", "sum_middle", "transpose")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ksmith", default="build/release/bin/ksmith")
    parser.add_argument("--tasks", default="")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--steps", type=int, default=190)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--out", default="bench/results/search.json")
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--keep", default="", help="keep the run folders here")
    args = parser.parse_args()

    names = args.tasks.split(",") if args.tasks else list(FIRST_RELEASE)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip()
    result: dict = {"bench": "search", "commit": commit,
                    "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "machine": platform.processor() or platform.machine(),
                    "steps": args.steps, "minutes": args.minutes, "runs": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or scratch
        free: queue.Queue[int] = queue.Queue()
        for lane in range(max(1, args.lanes)):
            free.put(lane)

        def in_lane(seed: int, name: str) -> dict:
            lane = free.get()
            prefix = ["taskset", "-c", f"{2 * lane},{2 * lane + 1}"] if args.lanes > 1 else []
            try:
                return evolve(args.ksmith, name, seed, args.steps, args.minutes, folder, prefix)
            finally:
                free.put(lane)

        with concurrent.futures.ThreadPoolExecutor(max(1, args.lanes)) as pool:
            jobs = [pool.submit(in_lane, seed, name) for seed in seeds for name in names]
            for job in concurrent.futures.as_completed(jobs):
                row = job.result()
                result["runs"].append(row)
                pathlib.Path(args.out).write_text(json.dumps(result, indent=1) + "\n")
                speedup = row.get("speedup", {})
                print(f"seed {row['seed']} {row['task']:16} {speedup.get('mid', 0):8.2f}x "
                      f"[{speedup.get('low', 0):.2f}, {speedup.get('high', 0):.2f}] "
                      f"{row.get('evaluations', 0)} evaluations {row.get('seconds', 0)} s "
                      f"{row.get('error', '')}", flush=True)
    result["runs"].sort(key=lambda row: (row["task"], row["seed"]))
    result["geometric_mean_by_seed"] = {}
    for seed in seeds:
        mids = [row["speedup"]["mid"] for row in result["runs"]
                if row["seed"] == seed and "speedup" in row]
        result["geometric_mean_by_seed"][str(seed)] = round(geometric_mean(mids), 3)
    pathlib.Path(args.out).write_text(json.dumps(result, indent=1) + "\n")
    print("geometric mean by seed:", result["geometric_mean_by_seed"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
