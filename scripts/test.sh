#!/usr/bin/env bash
# Lint, type check and all tests, in the environment of the demo. Arguments go to pytest, e.g. scripts/test.sh -m "not slow".
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
ruff check .
ruff format --check .
mypy
python -m pytest "$@"
