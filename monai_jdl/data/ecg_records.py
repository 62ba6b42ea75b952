"""ECG records from files: WFDB, DICOM waveforms and CSV as twelve leads in millivolts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cardiac_transforms.ecg.leads import DURATION, LEADS
from monai_jdl.data.dicom_headers import looks_like_dicom
from monai_jdl.data.ecg_channels import MIN_DURATION, Channels, derive_limb_leads, lead_of, millivolts
from monai_jdl.data.ecg_csv import read_csv_channels
from monai_jdl.data.ecg_pages import PAGE_SUFFIXES, check_file
from monai_jdl.data.ecg_waveform import read_waveform_channels
from monai_jdl.data.ecg_wfdb import WFDB_SUFFIXES, read_wfdb_channels
from monai_jdl.errors import InputError

_MAX_MV = 50.0
_CSV_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class ECGRecord:
    """Twelve leads.

    Attributes:
        signals: float32 [12, T] in mV, in order of :data:`cardiac_transforms.ecg.LEADS`; NaN where a lead or sample is missing.
        rate: Hz.
        leads: names of the leads that have samples, derived ones included.
        path: the file.
        age: years, None where unknown. ``sex``: ``male``, ``female`` or None.
        notes: what was derived, left out or noticed, for people.
    """

    signals: np.ndarray
    rate: float
    leads: tuple[str, ...]
    path: Path
    age: float | None = None
    sex: str | None = None
    notes: tuple[str, ...] = ()


def read_record(
    path: str | Path,
    *,
    start: float = 0.0,
    duration: float = DURATION,
    rate: float | None = None,
    units: str | None = None,
) -> ECGRecord:
    """Read a window of a record.

    Limb leads that the file lacks are computed where two of the six are there. Other leads may be missing; one is enough.

    Args:
        path: a WFDB record (``.hea``, ``.dat``, ``.mat`` or no suffix), a DICOM ECG waveform, or a CSV with one row per sample
            and the leads' names in its first line (comma, semicolon or tab; decimal point or comma; units in brackets).
        start: of the window, seconds from the beginning of the file.
        duration: of the window, seconds, at least 1; a shorter record is read to its end, with a note.
        rate: Hz, for a CSV without a ``time`` column; other files say it themselves.
        units: ``mV``, ``uV`` or ``V`` of all leads, over what the file says; a CSV that says nothing is taken as mV.

    Raises:
        InputError: one sentence that names the file: missing, no record, damaged, without a known lead, rate or unit, shorter
            than 1 s from ``start``, or of an amplitude that no heart has.
    """
    path = Path(path).expanduser()
    if not (0 <= start < math.inf and MIN_DURATION <= duration < math.inf):
        raise InputError(
            f"The window of {path} must start at 0 s or later and last {MIN_DURATION:g} s or longer, not {start:g} and "
            f"{duration:g} s."
        )
    if units is not None and millivolts(units) is None:
        raise InputError(f"The units of {path} must be mV, uV or V, not {units!r}.")
    found = _read(path, start, duration, rate)
    signals = _in_lead_order(path, found, units)
    derived = derive_limb_leads(signals)
    if derived:
        found.notes.append(f"computed from the other limb leads: {', '.join(derived)}")
    _check_amplitude(path, signals, found.notes)
    seconds = signals.shape[1] / found.rate
    if seconds < duration - 0.5 / found.rate:
        found.notes.append(f"{seconds:.4g} s instead of {duration:g} s, as the record ends there")
    leads = tuple(lead for lead, row in zip(LEADS, signals, strict=True) if not np.isnan(row).all())
    return ECGRecord(signals.astype(np.float32), found.rate, leads, path, found.age, found.sex, tuple(found.notes))


def _read(path: Path, start: float, duration: float, rate: float | None) -> Channels:
    suffix = path.suffix.lower()
    if (suffix in WFDB_SUFFIXES and not path.is_dir()) or (
        not path.exists() and path.with_name(path.name + ".hea").exists()
    ):
        return read_wfdb_channels(path, start, duration)
    check_file(path, "ECG record")
    if looks_like_dicom(path):
        return read_waveform_channels(path, start, duration)
    if suffix in _CSV_SUFFIXES:
        return read_csv_channels(path, start, duration, rate)
    if suffix in PAGE_SUFFIXES:
        raise InputError(f"{path} is a picture or PDF of an ECG, not a record; read it as a page (monai-jdl digitize).")
    raise InputError(
        f"{path} is no ECG record that can be read; give a WFDB header (.hea), a DICOM waveform or a CSV file."
    )


def _in_lead_order(path: Path, found: Channels, units: str | None) -> np.ndarray:
    """[12, T] in mV; channels that are no lead, or the same lead again, are left out."""
    signals = np.full((len(LEADS), found.values.shape[1]), np.nan)
    for name, unit, values in zip(found.names, found.units, found.values, strict=True):
        lead = lead_of(name)
        valid = np.isfinite(values)
        if lead is None or not valid.any():
            continue
        row = LEADS.index(lead)
        if not np.isnan(signals[row]).all():
            found.notes.append(f"lead {lead} is there more than once; the first was taken")
            continue
        factor = millivolts(units or unit)
        if factor is None:
            raise InputError(f"{path} gives lead {name} in {unit or 'no unit'}; give the units (mV, uV or V).")
        signals[row] = np.where(valid, values * factor, np.nan)
    if np.isnan(signals).all():
        known = ", ".join(found.names[:6]) + (", ..." if len(found.names) > 6 else "")
        raise InputError(
            f"{path} holds no samples of a known lead (its channels: {known or 'none'}); name them {', '.join(LEADS)}."
        )
    return signals


def _check_amplitude(path: Path, signals: np.ndarray, notes: list[str]) -> None:
    known = signals[~np.isnan(signals).all(axis=1)]
    deflection = np.abs(known - np.nanmedian(known, axis=1, keepdims=True))
    largest = float(np.nanpercentile(deflection, 99, axis=1).max())  # single spikes are artefacts
    if largest > _MAX_MV:
        raise InputError(
            f"{path} has deflections of {largest:.3g} mV, which no ECG has; the values are probably microvolts, so give "
            "the units uV."
        )
    if 0 < np.nanmax(deflection) < 0.01:
        notes.append("no deflection reaches 0.01 mV; if the values are volts, give the units V")
