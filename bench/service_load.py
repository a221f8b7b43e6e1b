#!/usr/bin/env python3
"""Many requests to a real service on the CPU backend: nothing lost, memory flat, overhead of the API.

  bench/service_load.py --ksmith build/release/bin/ksmith --requests 2000 --out bench/results/service_load.json

Every request is a different kernel of one small task; three quarters repeat one of a few programs
in other words, so that compiling is what costs. Prints and writes one JSON object."""
import argparse
import concurrent.futures
import http.client
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time


class Client(threading.local):
    """A kept connection a thread."""

    connection = None

    def call(self, port: int, method: str, target: str, body=None) -> tuple[int, dict, float]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        text = json.dumps(body) if body is not None else None
        begin = time.perf_counter()
        try:
            self.connection.request(method, target, text, {"Content-Type": "application/json"})
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):  # closed while it was quiet
            self.connection = None
            return self.call(port, method, target, body)
        data = answer.read()
        elapsed_ms = 1000 * (time.perf_counter() - begin)
        plain = answer.getheader("Content-Type", "").startswith("text/plain")
        return answer.status, data.decode() if plain else json.loads(data), elapsed_ms


def resident_mib(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0


def server_p99_ms(metrics: str, route: str) -> float:
    """Upper bound of the bucket that holds the 99th percentile, as the service itself saw it."""
    pattern = re.compile(rf'ksmith_http_seconds_bucket\{{route="{re.escape(route)}",le="([^"]+)"\}} (\d+)')
    buckets = [(float(bound) if bound != "+Inf" else float("inf"), int(count))
               for bound, count in pattern.findall(metrics)]
    total = buckets[-1][1] if buckets else 0
    return next((1000 * bound for bound, count in buckets if count >= 0.99 * total), 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ksmith", default="build/release/bin/ksmith")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--timed", type=float, default=0.1, help="share that asks for the time stage")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--out")
    options = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parent.parent
    seed = (root / "tasks" / "argmax" / "seed.cc").read_text()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="service-load-"))
    service = subprocess.Popen([options.ksmith, "serve", "--port", "0", "--cache", str(folder / "cache"),
                                "--rate", "0"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(re.search(r":(\d+),", service.stdout.readline())[1])
        result = load(port, service.pid, seed, options)
    finally:
        service.terminate()
        service.wait(60)
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(result, indent=2)
    print(text)
    if options.out:
        pathlib.Path(options.out).write_text(text + "\n")
    return 0 if result["lost"] == 0 else 1


def load(port: int, pid: int, seed: str, options: argparse.Namespace) -> dict:
    client = Client()
    config = {"check_trials": 1, "time_budget_s": 0.02, "min_pairs": 3, "max_pairs": 4}
    every = round(1 / options.timed) if options.timed else options.requests + 1

    def submit(i: int) -> tuple[str, float]:
        source = f"{seed}\n// request {i}\nextern \"C\" int which() {{ return {i % max(1, options.requests // 4)}; }}\n"
        stages = ["compile", "check"] + (["time"] if i % every == 0 else [])
        body = {"task": "argmax", "source": source, "stages": stages, "config": config}
        status, answer, elapsed_ms = client.call(port, "POST", "/v1/evaluations", body)
        return (answer["id"] if status in (200, 202) else ""), elapsed_ms

    def wait(identity: str) -> str:
        while True:
            _status, answer, _ms = client.call(port, "GET", f"/v1/evaluations/{identity}?wait=60")
            if answer.get("state") not in ("queued", "running"):
                return answer["evaluation"]["outcome"]["kind"] if answer.get("evaluation") else "none"

    before = resident_mib(pid)
    memory = []
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(options.clients) as pool:
        submitted = list(pool.map(submit, range(options.requests)))
        submit_s = time.perf_counter() - begin
        queued = resident_mib(pid)
        ids = [identity for identity, _ in submitted]
        looks = [client.call(port, "GET", f"/v1/evaluations/{identity}")[2] for identity in ids]
        kinds: dict[str, int] = {}
        for number, kind in enumerate(pool.map(wait, ids)):
            kinds[kind] = kinds.get(kind, 0) + 1
            if number % 100 == 0:
                memory.append(round(resident_mib(pid), 1))
    total_s = time.perf_counter() - begin
    metrics = client.call(port, "GET", "/metrics")[1]
    return {"requests": options.requests, "clients": options.clients, "timed": options.timed,
            "lost": options.requests - kinds.get("measured", 0), "outcomes": kinds,
            "submit_p50_ms": quantile([ms for _, ms in submitted], 0.5),
            "submit_p99_ms": quantile([ms for _, ms in submitted], 0.99),
            "submit_p99_ms_in_service_at_most": server_p99_ms(metrics, "/v1/evaluations"),
            "look_p50_ms": quantile(looks, 0.5), "look_p99_ms": quantile(looks, 0.99),
            "look_p99_ms_in_service_at_most": server_p99_ms(metrics, "/v1/evaluations/{id}"),
            "submit_s": round(submit_s, 2), "total_s": round(total_s, 1),
            "evaluations_per_s": round(options.requests / total_s, 2),
            "resident_before_mib": round(before, 1), "resident_all_queued_mib": round(queued, 1),
            "resident_every_100_mib": memory}


if __name__ == "__main__":
    sys.exit(main())
