"""Runs a decoder of untrusted files in a process of its own, with a limit of time and memory.

A decoder in C cannot be interrupted from within its process, and takes the process along when it crashes; pypdfium2 moreover
must not run in two threads. The process is a fresh interpreter (not ``multiprocessing``, which data loader workers may not use)
and costs 0.1 to 0.3 s.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from monai_jdl.errors import InputError

SECONDS = 20.0
"""How long opening a page may take."""
_MEMORY = 6 * 2**30

Decoded = tuple[np.ndarray, float | None, list[str]]


def run_limited(decoder: Callable[..., Decoded], path: str | Path, **options: Any) -> Decoded:
    """``decoder(path, **options)``, in another process.

    Args:
        decoder: a function of a module that can be run by its file alone and imports no ``monai_jdl.data``; returns an uint8
            [H, W, 3] image, dpi or None, and notes.
        path: the file to decode.
        options: keyword arguments that JSON can hold.

    Raises:
        InputError: that of the decoder; it failed in another way, crashed, or took longer than :data:`SECONDS`.
    """
    command = "import runpy, sys; runpy.run_path(sys.argv[1])['_answer'](*sys.argv[2:])"
    arguments = [__file__, decoder.__code__.co_filename, decoder.__name__, str(path), json.dumps(options), str(SECONDS)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{path} took longer than {SECONDS:g} s to open; save the page as PNG and give that."
        ) from error
    head, _, pixels = done.stdout.partition(b"\n")
    if done.returncode or not head:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise InputError(f"{path} made its decoder stop ({last}) and is probably damaged; save the page as PNG.")
    answer = json.loads(head)
    if "refused" in answer:
        raise InputError(answer["refused"])
    image = np.frombuffer(bytearray(pixels), dtype=np.uint8).reshape(answer["shape"])
    return image, answer["dpi"], answer["notes"]


def as_input_error(path: str | Path, error: Exception) -> InputError:
    """The error of a decoder as one sentence."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, MemoryError):
        return InputError(f"{path} needs too much memory to be opened; scale it down or crop it to the ECG page.")
    reason = f"{type(error).__name__}: {error}".splitlines()[0].rstrip(".")
    return InputError(f"{path} is damaged or cut short ({reason}); copy or export it again.")


def _answer(source: str, name: str, path: str, options: str, seconds: str) -> None:
    """In the other process: write one line of JSON and the pixels to standard output."""
    out = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get among the pixels
    _limit(float(seconds))
    pixels: bytes | memoryview = b""
    try:
        image, dpi, notes = runpy.run_path(source)[name](path, **json.loads(options))
        answer = {"shape": image.shape, "dpi": dpi, "notes": notes}
        pixels = np.ascontiguousarray(image).data
    except Exception as error:
        answer = {"refused": str(as_input_error(path, error))}
    with os.fdopen(out, "wb") as stream:
        stream.write(json.dumps(answer).encode() + b"\n")
        stream.write(pixels)


def _limit(seconds: float) -> None:
    try:
        import resource
    except ImportError:  # Windows: the parent's time limit alone
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    whole = int(seconds) + 5  # ends the process where its parent was killed before the time was up
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
