#!/usr/bin/env bash
# The tests that take seconds each; arguments go to pytest (bash run_tests.sh -m slow: the others).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/scripts/environment.sh"
use_environment dev
cd "$ROOT"
exec "$PYTHON" -m pytest "$@"
