"""What was read of ECG pages, kept in files, so that training and evaluation need not read them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from monai_jdl.atomic import atomic_path
from monai_jdl.errors import InputError
from monai_jdl.version import __version__


class PageCache:
    """A folder of what was read of pages, some 60 kB each; refusals are kept, too.

    A page that was changed or moved, another page of the file and another version of this package are read anew. The folder can
    be deleted at any time.

    Args:
        cache_dir: folder; made when it is first needed.
    """

    def __init__(self, cache_dir: str | Path) -> None:
        self.cache_dir = Path(cache_dir)

    def __call__(
        self, path: str | Path, page: int, read: Callable[[str | Path], dict[str, Any]]
    ) -> dict[str, np.ndarray | float | str]:
        """What ``read(path)`` returns, arrays, numbers and text by name, from the folder if it is there.

        Raises:
            InputError: as ``read``, or the folder cannot be written.
        """
        file = self._file(path, page)
        if file is None:
            return read(path)
        found = _load(file)
        if found is None:
            try:
                found = read(path)
            except InputError as error:
                found = {"refused": str(error)}
            self._save(file, found)
        if "refused" in found:
            raise InputError(str(found["refused"]))
        return found

    def _file(self, path: str | Path, page: int) -> Path | None:
        """Where it is kept; None of a page that is not there."""
        path = Path(path).absolute()
        if not path.is_file():
            return None
        state = path.stat()
        key = json.dumps([str(path), state.st_size, state.st_mtime_ns, page, __version__])
        return self.cache_dir / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"

    def _save(self, file: Path, found: dict[str, Any]) -> None:
        arrays = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
        others = json.dumps({name: value for name, value in found.items() if name not in arrays})
        try:
            with atomic_path(file) as temporary:
                np.savez_compressed(temporary, _others=np.array(others), **arrays)  # type: ignore[arg-type]
        except OSError as error:
            raise InputError(
                f"{self.cache_dir} cannot be written ({error.strerror}); give another --cache_dir."
            ) from error


def _load(file: Path) -> dict[str, Any] | None:
    """What is kept in ``file``; None if it is not there or damaged."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return json.loads(str(arrays.pop("_others"))) | arrays
    except Exception:  # zip, zlib, numpy and json each have errors of their own for a damaged file
        return None
