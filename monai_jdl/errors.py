"""Errors for people: one sentence that names the file and says what to do."""

from __future__ import annotations

import os
import sys
from types import TracebackType


class InputError(ValueError):
    """Input that cannot be used. The message is one sentence naming the file or argument and the remedy."""


def find_input_error(error: BaseException | None) -> InputError | None:
    """The :class:`InputError` behind ``error``, which MONAI's transforms and config parser wrap in their own.

    Args:
        error: any exception; its ``__cause__`` and ``__context__`` chain is searched.
    """
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__ or error.__context__
    return None


def first_line(error: Exception) -> str:
    """Kind and first line of another library's error, to be quoted in a sentence."""
    return f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")


def plain_errors() -> None:
    """Make an uncaught :class:`InputError` end the program with its sentence alone instead of a traceback.

    Called first in the bundles' ``initialize``. The exit code stays 1; every other error keeps its traceback.
    """
    previous = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        plain = find_input_error(error)
        if plain is None:
            previous(kind, error, trace)
        else:
            print(f"error: {plain}", file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)  # threads that still load data would abort the interpreter's own end, with another exit code

    sys.excepthook = hook
