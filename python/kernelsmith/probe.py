"""Says what this interpreter offers, as lines for the program that asked (src/backend/triton)."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    """Print the interpreter, the versions, and the folders that imports need."""
    print("executable", os.path.realpath(sys.executable) if not _in_venv() else sys.executable)
    print("python", sys.version.split()[0])
    spec = importlib.util.find_spec("triton")
    print("triton", _version("triton"))
    print("torch", _version("torch"))
    folders = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))}
    folders.update(path for path in sys.path if os.path.isdir(path))
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        folders.add(os.path.realpath(place))
    for folder in sorted(folders):
        print("folder", folder)


def _version(package: str) -> str:
    """Return the version of a package without importing it; empty: not there."""
    if importlib.util.find_spec(package) is None:
        return ""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _in_venv() -> bool:
    return sys.prefix != sys.base_prefix


if __name__ == "__main__":
    main()
