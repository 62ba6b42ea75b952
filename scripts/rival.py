"""Libraries as rivals of the benchmarks, each in a process of its own.

A rival is installed into a folder that only its process sees, on top of this environment's torch and numpy. It measures its own
processor time, so what goes through the pipe does not count. The script that :class:`Rival` is given calls :func:`serve`.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class RivalError(RuntimeError):
    """A rival that cannot be timed; the message says why."""


class Rival:
    """A process that runs a script with packages that this environment does not have.

    Args:
        script: calls :func:`serve`.
        packages: with their versions, all that is needed; they are installed without what they depend on.
        target: folder to install them into; what is there already is used.
        environment: further variables of the process.

    Raises:
        RivalError: it cannot be installed or does not start.
    """

    def __init__(self, script: str, packages: Sequence[str], target: Path, environment: dict[str, str]) -> None:
        if not target.exists():
            pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
            if subprocess.run([*pip, "--target", str(target), *packages], stdout=sys.stderr).returncode:
                raise RivalError("pip could not install it")
        self.process = subprocess.Popen(
            [sys.executable, script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(target), **environment},
        )
        self.ask("start")

    def ask(self, *request: Any) -> Any:
        """What the process answers; ``start`` is the first request."""
        assert self.process.stdin and self.process.stdout
        try:
            pickle.dump(request, self.process.stdin)
            self.process.stdin.flush()
            value, trouble = pickle.load(self.process.stdout)
        except (EOFError, BrokenPipeError):
            raise RivalError("its process ended") from None
        if trouble:
            raise RivalError(trouble)
        return value

    def close(self) -> None:
        """End the process."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


def serve(answer: Callable[..., Any]) -> None:
    """Answer requests from standard input until it ends.

    Args:
        answer: called with a dictionary that is kept between requests, and with the request.
    """
    # a copy of the pipe: whatever prints must not write into the replies
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    held: dict[str, Any] = {}
    reply: tuple[Any, str | None]
    while True:
        try:
            request = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            reply = (answer(held, *request), None)
        except Exception as error:  # for the parent to tell
            reply = (None, f"{type(error).__name__}: {error}")
        pickle.dump(reply, replies)
        replies.flush()
