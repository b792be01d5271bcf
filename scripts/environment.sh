# Sourced by run_train.sh, run_eval.sh and run_tests.sh: sets $PYTHON to an interpreter that holds the packages.
#
#   use_environment [EXTRA ...]     extras of pyproject.toml that are needed besides the base packages
#
# The environment whose `python` comes first on PATH is used as it is when it holds everything; otherwise .venv,
# which is made with pip, constraints.txt and the user's own pip settings.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

use_environment() {
    local candidate missing=""
    for candidate in python python3; do
        if command -v "$candidate" >/dev/null && "$candidate" "$ROOT/scripts/missing_packages.py" "$@" >/dev/null 2>&1; then
            PYTHON="$candidate"
            export GPT2_LAUNCHER="python src/gpt2/main.py"
            break
        fi
    done
    if [ -z "${PYTHON:-}" ]; then
        _use_venv "$@"
        export GPT2_LAUNCHER=".venv/bin/gpt2"
    fi
    export PYTHONPATH="$ROOT/src${PYTHONPATH:+:$PYTHONPATH}"
}

_use_venv() {
    local missing
    if [ ! -x "$ROOT/.venv/bin/python" ]; then
        local base
        base="$(_find_python)"
        echo "making the environment .venv with $("$base" --version)"
        "$base" -m venv "$ROOT/.venv" || {
            echo "error: '$base -m venv' failed; on Debian and Ubuntu: apt install python3-venv" >&2
            rm -rf "$ROOT/.venv"
            exit 1
        }
    fi
    PYTHON="$ROOT/.venv/bin/python"
    if ! missing="$("$PYTHON" "$ROOT/scripts/missing_packages.py" "$@" 2>&1)"; then
        echo "installing into .venv: $(echo "$missing" | paste -sd' ' -)"
        if echo "$missing" | grep -q '^torch'; then
            echo "  (up to 500 MB; on Linux the standard PyTorch carries CUDA: up to 5 GB. README.md: a CPU build)"
        fi
        local extras
        extras="$(IFS=,; echo "$*")"
        (cd "$ROOT" && "$PYTHON" -m pip install --disable-pip-version-check -c constraints.txt -e ".${extras:+[$extras]}")
    fi
}

_find_python() {
    local candidate
    for candidate in python3 python python3.14 python3.13 python3.12 python3.11 python3.10; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "error: no Python of version 3.10 or later on PATH" >&2
    exit 1
}
