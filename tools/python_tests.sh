#!/usr/bin/env bash
# Lint and tests of python/, in build/venv (tools/setup.sh --devices; --torch for PyTorch modules).
# Exit 77: it is not there.
set -euo pipefail
cd "$(dirname "$0")/../python"
python=../build/venv/bin/python3
if ! "$python" -c 'import pytest, ruff' 2>/dev/null; then
  echo "skipped: no pytest and ruff in build/venv; run tools/setup.sh --devices"
  exit 77
fi
"$python" -m ruff check --no-cache .
"$python" -m ruff format --no-cache --check .
# Modules and candidates are data: no annotations, and candidates do what they like.
"$python" -m ruff check --no-cache --config pyproject.toml --select E,F,W,I,B ../tasks/torch
"$python" -m ruff format --no-cache --config pyproject.toml --check ../tasks/torch
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
TRITON_CACHE_DIR=$cache TRITON_DISABLE_LINE_INFO=1 PYTHONDONTWRITEBYTECODE=1 \
  "$python" -m pytest -q -p no:cacheprovider
