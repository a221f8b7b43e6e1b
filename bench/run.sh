#!/usr/bin/env bash
# The benchmark tables, side by side in one run: bench/results/*.json. Hours for all of it; narrow it
# with SEEDS=1 and TASKS=matmul,softmax.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=build/release/bin
out=bench/results
runs=runs/bench-$(date +%Y%m%d-%H%M%S)
seeds=${SEEDS:-1,2,3}
tasks=${TASKS:-}
mkdir -p "$out" "$runs"

/usr/bin/python3 bench/run_search.py --ksmith "$bin/ksmith" --seeds "$seeds" --tasks "$tasks" \
  --keep "$runs" --out "$out/search.json"
for run in "$runs"/matmul-*; do
  [ -d "$run" ] || continue
  kernel=$run/best.cc
  "$bin/ksmith" export "$run" --best "$kernel"
  "$bin/gemm_vs_openblas" "$kernel" 512 | tee "$out/gemm_vs_openblas-${run##*-}.json"
done
KSMITH="$bin/ksmith" /usr/bin/python3 bench/engine_overhead.py "$runs"/* --out "$out/engine_overhead.json"
"$bin/sandbox_start" | tee "$out/sandbox_start.json"
"$bin/measure_honesty" --json "$out/measure_honesty.json"
"$bin/evaluator_honesty" | tee "$out/evaluator_honesty.json"
