#!/usr/bin/env bash
# Train a GPT-2. Without arguments: the quick start, from the embedded sample dump to a model that talks.
# With arguments: they go to `gpt2 train` (see: bash run_train.sh --help).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/environment.sh"
use_environment

if [ $# -gt 0 ]; then
    exec "$PYTHON" -m gpt2 train "$@"
fi
cd "$ROOT/workspace"
"$PYTHON" -m expanda build
cd "$ROOT"
exec "$PYTHON" -m gpt2 train --config configs/quickstart.yaml
