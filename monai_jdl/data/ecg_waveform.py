"""ECG waveforms in DICOM (12-lead, general and ambulatory ECG storage)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.waveforms import multiplex_array

from monai_jdl.data.ecg_channels import Channels, age_of, lead_of, sex_of, window
from monai_jdl.errors import InputError, first_line

# PS3.16 CID 3001: SCPECG codes 5.6.3-9-n, MDC codes 2:n
_CODE = re.compile(r"(?:5\.6\.3-9-|2:)(\d+)")
_LEAD_NUMBERS = {1: "I", 2: "II", **{k + 2: f"V{k}" for k in range(1, 7)}, 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"}


def read_waveform_channels(path: Path, start: float, duration: float) -> Channels:
    """A window of the rhythm in a DICOM ECG.

    Of several multiplex groups the one with the most leads is taken, of those the longest; median beats and other derived
    waveforms only where there is nothing else. Further groups of its rate add leads that it lacks, at their time offset.

    Args:
        path: the file.
        start, duration: seconds.

    Raises:
        InputError: no DICOM, no waveform, or damaged.
    """
    try:
        dataset = pydicom.dcmread(path, force=True)
        groups = list(dataset.get("WaveformSequence") or [])
    except Exception as error:  # pydicom raises whatever a damaged element leads to
        raise InputError(f"{path} is no DICOM file or is damaged ({first_line(error)}); export it again.") from error
    if not groups:
        if "Rows" in dataset:
            raise InputError(f"{path} is an image, not a record; read it as a page (monai-jdl digitize).")
        raise InputError(f"{path} holds no ECG waveform; give a DICOM ECG, a WFDB record or a CSV file.")
    try:
        return _read(path, dataset, groups, start, duration)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} is a damaged DICOM waveform ({first_line(error)}); export it again.") from error


def _read(path: Path, dataset: Dataset, groups: list[Dataset], start: float, duration: float) -> Channels:
    ranked = sorted(range(len(groups)), key=lambda index: _rank(groups[index]), reverse=True)
    best = groups[ranked[0]]
    rate = float(best.SamplingFrequency)
    joined, found = ranked[:1], _leads(best)
    for index in ranked[1:]:
        if _continues(groups[index], best) and not _leads(groups[index]) <= found:
            joined.append(index)
            found |= _leads(groups[index])
    offsets = [_samples_offset(groups[index], rate) for index in joined]
    origin = min(offsets)
    ends = [offset + int(groups[index].NumberOfWaveformSamples) for index, offset in zip(joined, offsets, strict=True)]
    first, last = window(path, max(ends) - origin, rate, start, duration)
    names: list[str] = []
    units: list[str] = []
    rows: list[np.ndarray] = []
    for index, offset in zip(joined, offsets, strict=True):
        values = _values(dataset, index)
        for channel, definition in enumerate(groups[index].ChannelDefinitionSequence):
            name = _name(definition)
            if name in names:
                continue
            whole = np.full(max(ends) - origin, np.nan)
            whole[offset - origin : offset - origin + len(values)] = values[:, channel]
            names.append(name)
            units.append(_unit(definition))
            rows.append(whole[first:last])
    age = re.fullmatch(r"(\d{3})Y", str(dataset.get("PatientAge") or ""))
    notes = [f"joined from {len(joined)} groups of channels"] if len(joined) > 1 else []
    return Channels(
        np.stack(rows),
        names,
        units,
        rate,
        age_of(float(age[1])) if age else None,
        sex_of(str(dataset.get("PatientSex") or "")),
        notes,
    )


def _rank(group: Dataset) -> tuple[bool, int, float]:
    seconds = int(group.get("NumberOfWaveformSamples") or 0) / float(group.get("SamplingFrequency") or 1)
    return not _is_derived(group), len(_leads(group)), seconds


def _leads(group: Dataset) -> set[str | None]:
    return {lead_of(_name(definition)) for definition in group.get("ChannelDefinitionSequence") or []} - {None}


def _is_derived(group: Dataset) -> bool:
    label = str(group.get("MultiplexGroupLabel") or "").upper()
    return group.get("WaveformOriginality") == "DERIVED" or any(
        word in label for word in ("MEDIAN", "AVERAGE", "TEMPLATE")
    )


def _continues(group: Dataset, best: Dataset) -> bool:
    return not _is_derived(group) and not _is_derived(best) and group.get("SamplingFrequency") == best.SamplingFrequency


def _samples_offset(group: Dataset, rate: float) -> int:
    return round(float(group.get("MultiplexGroupTimeOffset") or 0) * rate / 1000)


def _values(dataset: Dataset, index: int) -> np.ndarray:
    """[T, C] in the channels' units, NaN where padded."""
    group = dataset.WaveformSequence[index]
    if group.WaveformSampleInterpretation in ("MB", "AB"):
        raise ValueError("companded samples")
    raw = multiplex_array(dataset, index, as_raw=True)
    values = multiplex_array(dataset, index, as_raw=False)
    padding = group.get("WaveformPaddingValue")
    if padding is not None:
        stored = np.frombuffer(padding, raw.dtype)[0] if isinstance(padding, bytes) else padding
        values[raw == stored] = np.nan
    return values


def _name(definition: Dataset) -> str:
    source = (definition.get("ChannelSourceSequence") or [Dataset()])[0]
    match = _CODE.fullmatch(str(source.get("CodeValue") or "").strip())
    lead = _LEAD_NUMBERS.get(int(match[1])) if match else None
    return lead or str(source.get("CodeMeaning") or definition.get("ChannelLabel") or "")


def _unit(definition: Dataset) -> str:
    if "ChannelSensitivity" not in definition:
        return ""
    return str((definition.get("ChannelSensitivityUnitsSequence") or [Dataset()])[0].get("CodeValue") or "")
