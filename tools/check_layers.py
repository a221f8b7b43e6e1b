#!/usr/bin/env python3
"""Fails when a file of src/ or runner/ includes a module that tools/layers.txt does not allow it."""
import pathlib
import re
import sys


def read_table(path: pathlib.Path) -> dict[str, set[str]]:
    table: dict[str, set[str]] = {}
    for line in path.read_text().splitlines():
        line = line.split("#", 1)[0].strip()
        if line:
            module, _, allowed = line.partition(":")
            table[module.strip()] = set(allowed.split())
    return table


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    table = read_table(root / "tools" / "layers.txt")
    include = re.compile(r'^\s*#\s*include\s+"([a-z_]+)/([^"]+)"')
    faults = []
    files = [*root.glob("src/*/**/*.h"), *root.glob("src/*/**/*.cc"), *root.glob("runner/**/*.h"),
             *root.glob("runner/**/*.cc")]
    for path in sorted(files):
        parts = path.relative_to(root).parts
        module = "/".join(parts[:-1]) if parts[0] == "runner" else parts[1]
        if module not in table:
            faults.append(f"{path}: module '{module}' has no line in tools/layers.txt")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = include.match(line)
            if not match or match[1] == module or match[1] not in table:
                continue
            allowed = table[module]
            if "*" in allowed or match[1] in allowed or f"{match[1]}/{match[2]}" in allowed:
                continue
            faults.append(f"{path}:{number}: {module} may not include {match[1]}")
    for fault in faults:
        print(fault)
    print(f"layers: {len(files)} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())
