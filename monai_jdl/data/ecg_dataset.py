"""ECGs in memory for training; what cannot be read is left out, and said."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch.distributed as dist
from monai.data import CacheDataset
from monai.transforms import Compose

from monai_jdl.data.cases import write_errors_csv
from monai_jdl.errors import InputError, find_input_error

logger = logging.getLogger(__name__)


class ECGCacheDataset(CacheDataset):
    """MONAI's ``CacheDataset`` of ECGs, without those that are refused: one poor scan of thousands is no reason to stop.

    Args:
        data: items with ``image`` and ``case``, as of :func:`monai_jdl.data.load_ecg_table`.
        transform: as for ``CacheDataset``.
        errors_file: CSV of the ECGs that are left out (``case``, ``image``, ``error``); not there if there are none.
        num_workers: threads that read.

    Attributes:
        data: the items that could be read.
        errors: rows of ``errors_file``.

    Raises:
        InputError: not one ECG can be read.
    """

    _cache: list[Any]  # MONAI's other kind, a list of several processes, is not used

    def __init__(
        self, data: Sequence[dict[str, Any]], transform: Compose, errors_file: str | Path, num_workers: int = 1
    ) -> None:
        self.errors: list[dict[str, str]] = []
        super().__init__(data, transform, num_workers=num_workers)
        read = [index for index, item in enumerate(self._cache) if item is not None]
        self.errors.sort(key=lambda error: error["case"])
        if not read:
            raise InputError(f"None of {len(data)} ECGs can be read; the first: {self.errors[0]['error']}")
        self.data, self._cache = [data[index] for index in read], [self._cache[index] for index in read]
        self.cache_num = len(read)
        if dist.is_available() and dist.is_initialized() and dist.get_rank() > 0:
            return
        write_errors_csv(Path(errors_file), self.errors)
        if self.errors:
            logger.warning(
                "%d of %d ECGs cannot be read and are left out, see %s; the first: %s",
                *(len(self.errors), len(data), errors_file, self.errors[0]["error"]),
            )

    def _load_cache_item(self, idx: int) -> dict[str, Any] | None:
        try:
            return super()._load_cache_item(idx)
        except Exception as error:
            refusal = find_input_error(error)
            if refusal is None:
                raise
            item = self.data[idx]
            self.errors.append({"case": item["case"], "image": str(item["image"]), "error": str(refusal)})
            return None
