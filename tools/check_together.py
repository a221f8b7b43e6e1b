#!/usr/bin/env python3
"""Reads the sources that a build without a compiler cache compiles together, as one file each.

  tools/check_together.py BUILD_FOLDER [--jobs N]

Such a build (`make demo` on a fresh machine) is quicker so, but then files share their unnamed
namespaces: names in them must differ. Builds with a cache compile each file by itself and never
notice. Nothing is compiled here, only read by the compiler with all its warnings. Exit status 1 on
findings."""
import argparse
import concurrent.futures
import json
import pathlib
import re
import shlex
import subprocess
import sys

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
TAKES_VALUE = {"-o", "-MF", "-MT"}
LEFT_OUT = {"-c", "-MD", "-Winvalid-pch"}


def configure(folder: pathlib.Path) -> None:
    """Write the joined files and the commands for them."""
    done = subprocess.run(
        ["cmake", "--preset", "release", "-B", str(folder), "-DKS_PCH=ON", "-Wno-dev",
         "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "--log-level=WARNING"],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"check_together: cmake fails:\n{done.stdout}{done.stderr}")


def generate(folder: pathlib.Path, joined: list[dict]) -> None:
    """Make the sources among them that the build makes."""
    parts = {part for entry in joined
             for part in INCLUDE.findall(pathlib.Path(entry["file"]).read_text())}
    missing = [str(pathlib.Path(part).relative_to(folder)) for part in sorted(parts)
               if part.startswith(f"{folder}/") and not pathlib.Path(part).exists()]
    if missing:
        subprocess.run(["cmake", "--build", str(folder), "--target", *missing],
                       stdout=subprocess.DEVNULL, check=True)


def reading(entry: dict) -> list[str]:
    """The command of an entry, reading only."""
    words = iter(shlex.split(entry["command"]))
    kept = []
    for word in words:
        if word in TAKES_VALUE:
            next(words)
        elif word not in LEFT_OUT:
            kept.append(word)
    return [*kept, "-fsyntax-only"]


def check(entry: dict) -> str:
    """What the compiler says of a joined file; empty: nothing."""
    done = subprocess.run(reading(entry), cwd=entry["directory"], capture_output=True, text=True,
                          check=False)
    return done.stderr if done.returncode != 0 else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    folder = arguments.build.resolve() / "together"
    configure(folder)
    entries = json.loads((folder / "compile_commands.json").read_text())
    joined = [entry for entry in entries if "/Unity/" in entry["file"]]
    if not joined:
        sys.exit("check_together: no sources are compiled together; is KS_PCH gone?")
    generate(folder, joined)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        faults = [fault for fault in pool.map(check, joined) if fault]
    for fault in faults:
        print(fault)
    print(f"{len(joined)} joined files read, {len(faults)} with findings")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
