"""ECGs of any kind, pages and records, as the same twelve leads: what the ECG networks are given."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey
from scipy.signal import resample_poly

from cardiac_transforms.ecg.leads import DURATION, LEADS
from cardiac_transforms.ecg.reading import PageReading, read_page
from monai_jdl.data.dicom_headers import looks_like_dicom
from monai_jdl.data.ecg_pages import PAGE_SUFFIXES, PageImage, load_page
from monai_jdl.data.ecg_records import read_record
from monai_jdl.data.ecg_render import is_record_name
from monai_jdl.data.ecg_wfdb import WFDB_SUFFIXES
from monai_jdl.data.page_cache import PageCache
from monai_jdl.errors import InputError

RATE = 500.0
"""Hz of the signals that are loaded."""
_SAMPLES = round(DURATION * RATE)
_SIZE_FROM = {
    "resolution": "the file's {dpi:g} dpi",
    "pulse": "the calibration pulse",
    "rows": "the usual length of the rows",
}
"""By ``PageReading.scale_from``, of a page on which no grid was seen."""


def is_ecg_file(path: Path) -> bool:
    """Whether a file of a folder is named as a page or a record of an ECG, or marked as DICOM."""
    return path.suffix.lower() in PAGE_SUFFIXES or is_record_name(path)


def is_record(path: str | Path) -> bool:
    """Whether ``path`` is to be read as a record (WFDB, CSV, DICOM waveform); else it is a page.

    Args:
        path: a file, or a WFDB record without suffix. Only a DICOM file is opened, for its header.
    """
    path = Path(path)
    if path.suffix.lower() in (*WFDB_SUFFIXES, ".csv", ".tsv", ".txt"):
        return True
    if not path.exists():
        return path.with_name(f"{path.name}.hea").exists()
    return looks_like_dicom(path) and _holds_waveform(path)


def read_ecg_page(path: str | Path, page: int = 0) -> tuple[PageImage, PageReading]:
    """The picture of a page, and what is found in it.

    Args:
        path: picture, PDF or DICOM, see :func:`monai_jdl.data.load_page`.
        page: of a PDF or TIFF, from 0.

    Returns:
        The picture, and where its leads are: a heat map of the signals is drawn with these.

    Raises:
        InputError: no picture, or no ECG that can be read on it, with the reason.
    """
    path = Path(path)
    return _read_ecg_page(path, page, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=1)  # a heat map is drawn right after the network has seen the page
def _read_ecg_page(path: Path, page: int, modified: int) -> tuple[PageImage, PageReading]:
    loaded = load_page(path, page=page)
    reading = read_page(loaded.image, None if loaded.dpi is None else loaded.dpi / 25.4)
    if not reading.found:
        raise InputError(f"{loaded.path} shows no ECG that can be read: {reading.reason}")
    if np.isnan(reading.signals.signals).all():
        raise InputError(
            f"{loaded.path} shows leads, but none of their traces can be followed; give a sharper picture."
        )
    return loaded, reading


def size_note(reading: PageReading, page: PageImage) -> str:
    """What told the size of a page on which no grid was seen, in words."""
    return f"no grid was seen; the size comes from {_SIZE_FROM[reading.scale_from].format(dpi=page.dpi)}"


class LoadECG(Transform):
    """Loads an ECG, page or record, as twelve leads of 10 s at 500 Hz.

    The result is a float32 ``MetaTensor`` ``[12, 5000]`` in mV, leads in order of :data:`cardiac_transforms.ecg.LEADS`, NaN
    where nothing is known: leads that are not there, and times at which a page does not show a lead (of the usual four columns
    it shows each lead for 2.5 s, and these stay where they are in the 10 s). Its ``meta`` holds numbers and text alone, so that
    batches collate:

    - ``filename_or_obj``: the path. ``page``: which page of it was read; :func:`read_ecg_page` reads it again.
    - ``kind``: ``page`` or ``record``.
    - ``layout``: name of the page's arrangement in :data:`cardiac_transforms.ecg.LAYOUTS`; empty for a record.
    - ``quality``: 0 to 1, the median over the leads that are there, of how well they could be read
      (:class:`cardiac_transforms.ecg.reading.DigitizedECG`); ``lead_quality``: ``[12]``, of each. NaN for a record.
    - ``notes``: what was done or noticed, for people.

    Args:
        page: of a PDF or TIFF, from 0.
        cache_dir: folder that keeps what was read of pages (:class:`monai_jdl.data.PageCache`), or None.
    """

    def __init__(self, page: int = 0, cache_dir: str | Path | None = None) -> None:
        self.page = page
        self.cache = None if cache_dir is None else PageCache(cache_dir)

    def __call__(self, path: str | Path) -> MetaTensor:
        """Load ``path``.

        Raises:
            InputError: it is neither an ECG page nor a record that can be read, or no lead is known; with the reason.
        """
        if is_record(path):
            found = self._record(path)
        else:
            found = self.cache(path, self.page, self._page) if self.cache else self._page(path)
        signals = torch.from_numpy(found.pop("signals"))
        return MetaTensor(signals, meta={ImageMetaKey.FILENAME_OR_OBJ: str(path), "page": self.page} | found)

    def _page(self, path: str | Path) -> dict[str, Any]:
        loaded, reading = read_ecg_page(path, self.page)
        digitized = reading.signals
        there = ~np.isnan(digitized.signals).all(axis=1)
        notes = list(loaded.notes)
        if reading.page is not None and reading.page.grid.coherence == 0:
            notes.append(size_note(reading, loaded))
        if reading.doubtful and reading.layout:
            notes.append(
                f"the leads may be others (confidence {reading.layout.confidence:.2f} of 1): look at the picture"
            )
        if not there.all():
            notes.append(f"not on the page: {', '.join(np.array(LEADS)[~there])}")
        return {
            "signals": digitized.signals,
            "kind": "page",
            "layout": reading.layout.layout.name if reading.layout and reading.layout.layout else "",
            "quality": float(np.median(digitized.quality[there])),
            "lead_quality": digitized.quality,
            "notes": "; ".join(notes),
        }

    def _record(self, path: str | Path) -> dict[str, Any]:
        record = read_record(path, duration=DURATION)
        return {
            "signals": _at_rate(record.signals, record.rate),
            "kind": "record",
            "layout": "",
            "quality": math.nan,
            "lead_quality": np.full(len(LEADS), math.nan, np.float32),
            "notes": "; ".join(record.notes),
        }


class LoadECGd(MapTransform):
    """Dictionary form of :class:`LoadECG`: the paths at ``keys`` become signals.

    Args:
        keys: of paths.
        page, cache_dir: as for :class:`LoadECG`.
        allow_missing_keys: whether a missing key is no error.
    """

    def __init__(
        self,
        keys: KeysCollection,
        page: int = 0,
        cache_dir: str | Path | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.loader = LoadECG(page, cache_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the paths of ``data``; errors as :class:`LoadECG`."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.loader(d[key])
        return d


def _at_rate(signals: np.ndarray, rate: float) -> np.ndarray:
    """``signals`` ``[12, T]`` at ``rate`` Hz as float32 ``[12, 5000]`` at 500 Hz, cut or filled with NaN to 10 s.

    What is above half of the lower rate is filtered out; gaps are bridged for the filter and are gaps again after it.
    """
    out = np.full((len(signals), _SAMPLES), np.nan, np.float32)
    times = np.arange(signals.shape[1])
    ratio = Fraction(RATE / rate).limit_denominator(10_000)
    for row, signal in zip(out, signals, strict=True):
        known = ~np.isnan(signal)
        if not known.any():
            continue
        values = np.interp(times, times[known], signal[known])
        if ratio != 1:
            offset = values.mean()  # the filter's ripple would make it a wave
            values = resample_poly(values - offset, ratio.numerator, ratio.denominator, padtype="line") + offset
        values = values[:_SAMPLES]
        nearest = np.rint(np.arange(len(values)) * (rate / RATE)).astype(int)
        row[: len(values)] = np.where(known[np.minimum(nearest, len(known) - 1)], values, np.nan)
    return out


def _holds_waveform(path: Path) -> bool:
    try:
        header = pydicom.dcmread(path, specific_tags=["WaveformSequence"], stop_before_pixels=True, force=True)
    except Exception:  # pydicom raises whatever a damaged element leads to; loading it as a page says what is wrong
        return False
    return "WaveformSequence" in header
