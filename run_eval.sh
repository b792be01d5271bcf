#!/usr/bin/env bash
# Evaluate a model on a whole corpus. Without arguments: the newest run, on its own evaluation corpus.
# With arguments: they go to `gpt2 evaluate` (see: bash run_eval.sh --help).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/environment.sh"
use_environment

if [ $# -gt 0 ]; then
    exec "$PYTHON" -m gpt2 evaluate "$@"
fi
cd "$ROOT"
newest="$(ls -td runs/*/model 2>/dev/null | head -n 1 || true)"
if [ -z "$newest" ]; then
    echo "error: no finished run in runs/: train one with 'bash run_train.sh', or name a model with --model_path" >&2
    exit 1
fi
exec "$PYTHON" -m gpt2 evaluate --model_path "$newest"
