#!/usr/bin/env python3
"""One Markdown table of a GPU check: what the search found against seed, PyTorch and library.

  bench/device_table.py FOLDER      reads evolve-BACKEND-TASK.json, torch_baselines.json, device_*.json
"""
import json
import math
import pathlib
import sys


def read(path: pathlib.Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def best_ms(run: dict) -> float:
    """Median of the best candidate on the first time workload, milliseconds; 0 when unknown."""
    timings = (run.get("best") or {}).get("timings") or []
    return timings[0]["median_ns"] / 1e6 if timings else 0.0


def ratio(torch_ms: float, own_ms: float) -> str:
    return f"{torch_ms / own_ms:.2f}" if torch_ms and own_ms else "-"


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else 0.0


def search_table(folder: pathlib.Path) -> list[str]:
    rows = {row["task"]: row for row in read(folder / "torch_baselines.json").get("rows", [])}
    runs: dict[str, dict[str, dict]] = {}
    for path in sorted(folder.glob("evolve-*.json")):
        _, backend, task = path.stem.split("-", 2)
        runs.setdefault(backend, {})[task] = read(path)
    lines: list[str] = []
    for backend, found in runs.items():
        lines += [f"\n### {backend}\n",
                  "| task | over seed | best ms | eager / best | compiled / best | library | roofline "
                  "| evaluations | s |",
                  "|---|---|---|---|---|---|---|---|---|"]
        gains = []
        for task, run in sorted(found.items()):
            best = run.get("best") or {}
            speedup = best.get("speedup") or {}
            own, torch = best_ms(run), rows.get(task, {})
            timing = (best.get("timings") or [{}])[0]
            if speedup.get("mid"):
                gains.append(speedup["mid"])
            lines.append(
                f"| {task} | {speedup.get('mid', 0):.2f} [{speedup.get('low', 0):.2f}, "
                f"{speedup.get('high', 0):.2f}] | {own:.4f} | {ratio(torch.get('eager_ms', 0), own)} "
                f"| {ratio(torch.get('compiled_ms', 0), own)} | {'yes' if torch.get('library') else ''} "
                f"| {timing.get('roofline_fraction', 0):.2f} | {run.get('evaluations', 0)} "
                f"| {run.get('seconds', 0):.0f} |")
        lines.append(f"\nGeometric mean over the seeds: {geometric_mean(gains):.2f} "
                     f"({len(gains)} tasks).")
    return lines


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(sys.argv[1])
    machine = folder / "gpu_machine.txt"
    print("# GPU check:", ", ".join(machine.read_text().split("\n")) if machine.exists() else "")
    for path in sorted(folder.glob("device_*.json")):
        print(f"\n- `{path.read_text().strip()}`")
    print("\n".join(search_table(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
