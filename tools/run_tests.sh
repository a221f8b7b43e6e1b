#!/usr/bin/env bash
# Sets up, builds everything in the release preset and runs all tests, the lint included. The last
# line is "N passed, N failed, N skipped"; the exit status is 0 when none failed.
#   tools/run_tests.sh [ctest options, for example --label-regex '^lint$']
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
results=build/release/junit.xml

stop() {
  printf '%s\n0 passed, 1 failed, 0 skipped\n' "$1"
  exit 1
}

tools/setup.sh --tests --bench || stop "run_tests: the set-up failed"
launcher=()
if command -v ccache >/dev/null; then
  launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_C_COMPILER_LAUNCHER=ccache)
fi
cmake --preset release "${launcher[@]}" -DKS_BUILD_TESTS=ON -DKS_BUILD_BENCH=ON -Wno-dev \
  --log-level=WARNING || stop "run_tests: configuring failed"
cmake --build build/release -j "$jobs" || stop "run_tests: the build failed"
rm -f "$results"
ctest --test-dir build/release -j "$jobs" --output-on-failure --output-junit junit.xml "$@" \
  </dev/null
exec tools/count_tests.py "$results"
