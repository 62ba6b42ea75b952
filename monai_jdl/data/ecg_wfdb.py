"""ECG records in WFDB format (PhysioNet): ``.hea`` with ``.dat`` or ``.mat``, read and written with the wfdb package."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl.data.ecg_channels import Channels, age_of, check_rate, check_signals, sex_of, window
from monai_jdl.errors import InputError, first_line

WFDB_SUFFIXES = (".hea", ".dat", ".mat")
_GAINS = (1000, 400)  # steps per mV: 1 uV, or 2.5 uV where a signal is too large for that
_LARGEST_STEP = 2**15 - 1  # -2**15 marks a sample that is not valid


def read_wfdb_channels(path: Path, start: float, duration: float) -> Channels:
    """A window of a record's channels, brought to the highest of their rates.

    Args:
        path: with or without one of :data:`WFDB_SUFFIXES`.
        start, duration: seconds.

    Raises:
        InputError: wfdb is not installed; header or signal file missing, damaged, or named outside the record's folder.
    """
    wfdb = _wfdb(path)
    record = path.with_suffix("") if path.suffix.lower() in WFDB_SUFFIXES else path
    header_path = record.with_name(record.name + ".hea")
    if not header_path.is_file():
        raise InputError(f"{header_path} does not exist; a WFDB record needs its header beside the signal file.")
    text = _checked_header(header_path)
    name = str(record.absolute())
    try:
        header = wfdb.rdheader(name)
    except Exception as error:  # wfdb raises whatever a damaged line leads to
        raise InputError(f"{header_path} is a damaged WFDB header ({first_line(error)}); copy it again.") from error
    if not header.n_sig:
        raise InputError(f"{header_path} names no signals; give the record with the ECG.")
    frame_rate = float(header.fs)
    first, last = window(path, header.sig_len, frame_rate, start, duration) if header.sig_len else (0, None)
    try:
        read = wfdb.rdrecord(name, sampfrom=first, sampto=last, smooth_frames=False)
    except Exception as error:
        raise InputError(
            f"The signals of {header_path} are damaged or shorter than it says ({first_line(error)}); copy the record again."
        ) from error
    signals = [np.asarray(signal, dtype=np.float64) for signal in read.e_p_signal]
    if last is None:  # a header without a length
        first, last = window(path, read.sig_len, frame_rate, start, duration)
        signals = [s[first * len(s) // read.sig_len : last * len(s) // read.sig_len] for s in signals]
    highest = max(len(signal) for signal in signals)
    rate = frame_rate * highest / (last - first)
    check_rate(path, rate)
    resampled = sorted({str(name) for name, s in zip(read.sig_name, signals, strict=True) if len(s) < highest})
    notes = [f"interpolated to {rate:g} Hz: {', '.join(resampled)}"] if resampled else []
    values = np.stack([_stretched(signal, highest) for signal in signals])
    comments = "\n".join(header.comments or [])
    # wfdb drops what is not ASCII, so that microvolts with a Greek letter (UTF-8 or Windows-1252) would arrive as volts
    micro = re.search("/(\xc2?\xb5|\xce\xbc)V", text)
    units = ["uV" if micro and unit == "V" else unit or "" for unit in read.units]
    names = [name or "" for name in read.sig_name]
    return Channels(values, names, units, rate, _age(comments), _sex(comments), notes)


def write_wfdb(path: str | Path, signals: np.ndarray, rate: float, *, comments: Iterable[str] = ()) -> Path:
    """Write a record of twelve leads, format 16, in steps of 1 uV (2.5 uV where a signal goes over 32.7 mV).

    Both files are written in a temporary folder and moved when they are complete, the header last: a record is either whole or
    absent.

    Args:
        path: of the record, with or without ``.hea``; named with letters, digits, ``-``, ``_``. Its folder is made if needed.
        signals: [12, T] in mV in order of :data:`LEADS`; NaN is kept as "not valid".
        rate: Hz.
        comments: lines for the header, such as ``age: 56``.

    Returns:
        The header's path.

    Raises:
        InputError: wfdb is not installed; a name that WFDB does not allow; signals that are infinite or too large.
    """
    path = Path(path).expanduser().absolute()
    wfdb = _wfdb(path)
    record = path.with_suffix("") if path.suffix == ".hea" else path
    if not re.fullmatch(r"[A-Za-z0-9_-]+", record.name):
        raise InputError(f"{record} cannot be a WFDB record; name it with letters, digits, - and _ alone.")
    signals = check_signals(record, signals, rate)
    largest = float(np.nanmax(np.abs(signals), initial=0))
    gain = next((gain for gain in _GAINS if largest * gain <= _LARGEST_STEP), None)
    if gain is None:
        raise InputError(f"{record} cannot hold {largest:.3g} mV; give the signals in mV, not in microvolts.")
    record.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=record.parent, prefix=".tmp-") as folder:
        steps = np.where(np.isnan(signals), -_LARGEST_STEP - 1, np.rint(signals * gain)).astype(np.int64)
        wfdb.wrsamp(
            record.name,
            fs=rate,
            units=["mV"] * len(LEADS),
            sig_name=list(LEADS),
            d_signal=np.ascontiguousarray(steps.T),
            fmt=["16"] * len(LEADS),
            adc_gain=[float(gain)] * len(LEADS),
            baseline=[0] * len(LEADS),
            comments=[" ".join(comment.split()) for comment in comments],
            write_dir=folder,
        )
        header = record.with_name(record.name + ".hea")
        header.unlink(missing_ok=True)  # an old header must at no moment stand beside the new signals
        for suffix in (".dat", ".hea"):
            os.replace(Path(folder) / f"{record.name}{suffix}", record.with_name(record.name + suffix))
    return header


def _wfdb(path: Path) -> ModuleType:
    try:
        import wfdb
    except ImportError as error:
        raise InputError(f"{path} is a WFDB record, which needs wfdb: pip install monai_jdl[ecg].") from error
    return wfdb


def _checked_header(header: Path) -> str:
    """The header's text, if it says a rate (wfdb would assume 250 Hz) and the files that its lines name lie beside it."""
    text = header.read_text(encoding="latin-1")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or len(lines[0]) < 3 or not re.match(r"\d", lines[0][2]):
        raise InputError(f"{header} says no sampling rate; put it after the number of signals in the first line.")
    for name in dict.fromkeys(line[0] for line in lines[1:]):
        if name in ("-", ".", "..") or set(name) & set("/\\:"):
            raise InputError(f"{header} points to {name!r}, outside its own folder; correct the header.")
        # a name is that of a signal file, of a segment's header, or ~ for a gap
        if name != "~" and not header.with_name(name).exists() and not header.with_name(f"{name}.hea").exists():
            raise InputError(f"{header} names {name}, which is not beside it; copy it there.")
        if header.with_name(name).exists() and not header.with_name(name).stat().st_size:
            raise InputError(f"{header} names {name}, which is empty (0 bytes); copy it again.")
    return text


def _stretched(signal: np.ndarray, samples: int) -> np.ndarray:
    """The signal with ``samples`` samples over the same time, by linear interpolation."""
    if len(signal) == samples:
        return signal
    return np.interp(np.arange(samples) * (len(signal) / samples), np.arange(len(signal)), signal)


def _age(text: str) -> float | None:
    found = re.search(r"\bage\b\W*(\d+(?:\.\d+)?)", text, re.IGNORECASE)
    return age_of(float(found[1])) if found else None


def _sex(text: str) -> str | None:
    found = re.search(r"\b(?:sex|gender)\b\W*(m|male|f|female)\b", text, re.IGNORECASE)
    return sex_of(found[1]) if found else None
