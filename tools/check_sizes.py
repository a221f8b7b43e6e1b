#!/usr/bin/env python3
"""Fails when a file is longer than its kind allows. (Functions: clang-tidy, see .clang-tidy.)"""
import pathlib
import subprocess
import sys

SUFFIXES = (".h", ".cc", ".c", ".py", ".sh")
FOLDERS = ("src", "runner", "tests", "bench", "tools", "tasks")


def limit_of(path: pathlib.Path) -> int:
    if path.parts[0] == "tests":
        return 800
    return 250 if path.suffix == ".h" else 600


def own_files(root: pathlib.Path) -> list[pathlib.Path]:
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        names = [pathlib.Path(name) for name in listed.stdout.splitlines()]
    else:  # an unpacked archive
        names = [path.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob("*")]
    return [name for name in names
            if name.parts[0] in FOLDERS and name.suffix in SUFFIXES and (root / name).is_file()]


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = own_files(root)
    faults = 0
    for path in sorted(files):
        lines = len((root / path).read_text().splitlines())
        if lines > limit_of(path):
            print(f"{path}: {lines} lines, limit {limit_of(path)}: split it by responsibility")
            faults += 1
    print(f"sizes: {len(files)} files, {faults} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
