"""Says what this interpreter offers, as lines for the program that asked (src/backend/triton)."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    """Print the interpreter, its version, Triton's version and the folders that imports need."""
    print("executable", os.path.realpath(sys.executable) if not _in_venv() else sys.executable)
    print("python", sys.version.split()[0])
    spec = importlib.util.find_spec("triton")
    try:
        print("triton", version("triton") if spec is not None else "")
    except PackageNotFoundError:
        print("triton", "unknown")
    folders = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))}
    folders.update(path for path in sys.path if os.path.isdir(path))
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        folders.add(os.path.realpath(place))
    for folder in sorted(folders):
        print("folder", folder)


def _in_venv() -> bool:
    return sys.prefix != sys.base_prefix


if __name__ == "__main__":
    main()
