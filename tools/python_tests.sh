#!/usr/bin/env bash
# Lint and tests of python/, in build/venv (tools/setup.sh --devices). Exit 77: it is not there.
set -euo pipefail
cd "$(dirname "$0")/../python"
python=../build/venv/bin/python3
if ! "$python" -c 'import pytest, ruff' 2>/dev/null; then
  echo "skipped: no pytest and ruff in build/venv; run tools/setup.sh --devices"
  exit 77
fi
"$python" -m ruff check --no-cache .
"$python" -m ruff format --no-cache --check .
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
TRITON_CACHE_DIR=$cache TRITON_DISABLE_LINE_INFO=1 PYTHONDONTWRITEBYTECODE=1 \
  "$python" -m pytest -q -p no:cacheprovider
