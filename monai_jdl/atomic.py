"""Files that are either whole or absent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """A temporary name beside ``target`` to write to; it takes ``target``'s name when the block ends without error.

    Args:
        target: the file to write. Its folder is made if needed.

    Yields:
        The temporary path. It ends like ``target``, so that writers that go by the suffix (``.nii.gz``) work.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".tmp-{os.getpid()}-{target.name}")
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
