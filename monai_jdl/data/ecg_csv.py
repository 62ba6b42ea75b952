"""ECG records as CSV: a line of names, then one row per sample."""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl.atomic import atomic_path
from monai_jdl.data.ecg_channels import MIN_RATE, Channels, check_rate, check_signals, lead_of, window
from monai_jdl.errors import InputError

_UNIT = re.compile(r"[\[(/_ ]\s*([mu\u00b5\u03bc]?V)\s*[\])]?\s*$", re.IGNORECASE)
_TIME = re.compile(r"(?:time|t|timestamp|seconds|sec|ms)?\W*_?(?P<unit>ms|msec|s|sec|seconds)?\W*", re.IGNORECASE)
_MISSING = {"", "nan", "na", "n/a", "null", "none", "-"}
_PROBE = 50  # rows that tell the rate
_LONGEST_LINE = 2**16  # characters; a file without line ends must not be held in memory as one line

Row = tuple[int, list[str]]


def read_csv_channels(path: Path, start: float, duration: float, rate: float | None) -> Channels:
    """A window of the lead columns of a CSV; reading stops at the window's end.

    The rate comes from the ``time`` column, in seconds or milliseconds as its name says (``time [ms]``), else as whichever
    gives a rate that an ECG can have.

    Args:
        path: comma, semicolon or tab between the columns, decimal point or comma, UTF-8 (with or without BOM), UTF-16 or
            Windows-1252; lines that start with ``#`` before the names are skipped.
        start, duration: seconds from the first row.
        rate: Hz, where there is no time column.

    Raises:
        InputError: no lead, no rate, uneven time, or a cell that is no number (its line is named).
    """
    try:
        with path.open(newline="", encoding=_encoding(path)) as file:
            return _read(path, _lines(path, file), start, duration, rate)
    except (csv.Error, UnicodeError, OSError) as error:
        raise InputError(f"{path} cannot be read as CSV ({error}); export it again.") from error


def write_ecg_csv(path: str | Path, signals: np.ndarray, rate: float) -> Path:
    """Write a CSV with ``time`` in seconds and the twelve leads in mV with 4 decimals (0.1 uV), empty where NaN.

    Args:
        path: the file; its folder is made if needed, it appears when it is complete.
        signals: [12, T] in mV in order of :data:`LEADS`.
        rate: Hz.

    Returns:
        ``path``.

    Raises:
        InputError: signals of another shape, or infinite.
    """
    path = Path(path).expanduser()
    signals = check_signals(path, signals, rate)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", *LEADS])
        for sample, values in enumerate(signals.T.tolist()):
            cells = ("" if math.isnan(value) else f"{value:.4f}" for value in values)
            writer.writerow([f"{sample / rate:.7f}", *cells])
    return path


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(2**16)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    for number in itertools.count(1):
        line = file.readline(_LONGEST_LINE)
        if len(line) == _LONGEST_LINE:
            raise InputError(
                f"{path} has a line {number} of more than {_LONGEST_LINE} characters, no row of an ECG; export it again."
            )
        if not line:
            return
        yield line


def _read(path: Path, file: Iterable[str], start: float, duration: float, rate: float | None) -> Channels:
    lines = itertools.dropwhile(lambda line: not line[1].strip() or line[1].startswith("#"), enumerate(file, 1))
    number, header = next(lines, (0, ""))
    delimiter = max("\t;,", key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    units = [match[1] if (match := _UNIT.search(name)) else "mV" for name in names]
    names = [_UNIT.sub("", name) for name in names]
    leads = [column for column, name in enumerate(names) if lead_of(name)]
    if not leads:
        raise InputError(f"{path} names no lead in its first line; name the columns {', '.join(LEADS)} there.")
    times = [column for column, name in enumerate(names) if name and column not in leads and _TIME.fullmatch(name)]
    rows = _rows(path, (line for _, line in lines), delimiter, len(names), number)
    probe = list(itertools.islice(rows, _PROBE))
    if not probe:
        raise InputError(f"{path} holds names of leads but no samples; export it again.")
    per_second = 1.0
    if times:
        stamps = np.array([_number(path, row, times[0], delimiter) for row in probe])
        rate, per_second = _rate(path, names[times[0]], stamps)
    elif rate is None:
        raise InputError(f"{path} has no time column; give the sampling rate in Hz (rate), or add the column.")
    check_rate(path, rate)
    stop = math.ceil((start + duration) * rate * 1.02)  # rounded times in the first rows leave the rate uncertain
    rows = itertools.islice(itertools.chain(probe, rows), stop)
    before = sum(1 for _ in itertools.islice(rows, round(start * rate)))
    kept = list(rows)
    window(path, before + len(kept), rate, start, duration)
    if times:
        texts = [row[1][times[0]] for row in kept]
        stamps = np.array([_number(path, row, times[0], delimiter) for row in kept]) / per_second
        rate = _even_rate(path, stamps, kept, _resolution(texts) / per_second)
    kept = kept[: round(duration * rate)]
    values = np.array([[_number(path, row, column, delimiter) for row in kept] for column in leads])
    return Channels(values, [names[column] for column in leads], [units[column] for column in leads], rate)


def _rows(path: Path, lines: Iterator[str], delimiter: str, columns: int, header: int) -> Iterator[Row]:
    """(line number, cells) of the rows that are not blank."""
    reader = csv.reader(lines, delimiter=delimiter)
    for cells in reader:
        line = header + reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) < columns or any(cell.strip() for cell in cells[columns:]):
            raise InputError(
                f"{path} has {len(cells)} cells in line {line}, but {columns} names; export it again, it may be cut short."
            )
        yield line, cells


def _number(path: Path, row: Row, column: int, delimiter: str) -> float:
    line, cells = row
    text = cells[column].strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        return float(text if delimiter == "," else text.replace(",", "."))
    except ValueError:
        raise InputError(
            f"{path} holds {text[:20]!r} in line {line}, which is no number; correct or empty it."
        ) from None


def _rate(path: Path, name: str, stamps: np.ndarray) -> tuple[float, float]:
    """Rate in Hz of the first rows, and how many of the time's units make a second."""
    match = _TIME.fullmatch(name)
    unit = ((match["unit"] if match else None) or name).lower()
    span = stamps[-1] - stamps[0] if len(stamps) > 1 else math.nan
    if not span > 0:
        raise InputError(
            f"{path} has a time column that does not increase; correct it, or remove it and give the rate in Hz."
        )
    rate = (len(stamps) - 1) / span
    milliseconds = unit.startswith("ms") or (unit not in ("s", "sec", "seconds") and rate < MIN_RATE)
    return (rate * 1000, 1000.0) if milliseconds else (rate, 1.0)


def _even_rate(path: Path, stamps: np.ndarray, rows: Sequence[Row], resolution: float) -> float:
    """Rate in Hz of evenly spaced times in s, made whole where their ``resolution`` (s) allows it."""
    span = stamps[-1] - stamps[0]
    step = span / (len(stamps) - 1)
    off = np.abs(stamps - stamps[0] - step * np.arange(len(stamps)))
    if not (step > 0 and off.max() < 0.75 * step):  # rounded times may be off by half a step
        line = rows[int(np.argmax(~(off < 0.75 * step)))][0]
        raise InputError(
            f"{path} has a time column that does not run evenly (near line {line}); resample it to equal steps."
        )
    rate = 1 / step
    return float(round(rate)) if abs(rate - round(rate)) <= rate * resolution / span else rate


def _resolution(texts: Sequence[str]) -> float:
    """One step of the last decimal of written numbers."""
    return 10.0 ** -max(len(text.strip().replace(",", ".").partition(".")[2]) for text in texts)
