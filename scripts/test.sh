#!/usr/bin/env bash
# Lint, type check and all tests, in the environment of the demo. Arguments go to pytest, e.g. scripts/test.sh -m "not slow".
# The tests run in two processes; -n says another number (-n 0: in this one, for a debugger).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
ruff check .
ruff format --check .
mypy
processes=(-n 2)
for argument in "$@"; do
    case "$argument" in -n | -n[0-9a-z]* | --numprocesses*) processes=() ;; esac
done
# one thread each: threads of several processes would fight for the processors
OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" python -m pytest --dist worksteal ${processes[@]+"${processes[@]}"} "$@"
