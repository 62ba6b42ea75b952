"""DICOM headers: what the reader needs to know of each image of a file, without its pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import UID, MediaStorageDirectoryStorage
from tqdm import tqdm

from monai_jdl.errors import first_line

DICOM_SUFFIXES = (".dcm", ".ima", ".dicom")
_PREAMBLE = 132

_TAGS = [
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID",
    "AcquisitionDateTime", "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime", "SeriesDescription",
    "ProtocolName", "SequenceName", "ScanningSequence", "InversionTime", "TriggerTime", "TemporalPositionIdentifier",
    "SeriesNumber", "AcquisitionNumber", "InstanceNumber", "ImagePositionPatient", "ImageOrientationPatient",
    "PixelSpacing", "Rows", "Columns", "SamplesPerPixel", "NumberOfFrames", "RescaleSlope", "RescaleIntercept",
    "ComplexImageComponent", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip


@dataclass(frozen=True)
class DicomFrame:
    """One image of a DICOM file (a classic file holds one, an enhanced file many).

    Attributes:
        path: the file. ``frame``: index within a multi-frame file, else None.
        series_uid, series_number: of the series; the number is -1 where absent.
        description: series description. ``words``: lower-case words of description, protocol and sequence name.
        image_type: values of ImageType (FrameType in enhanced files).
        display: ``magnitude``, ``psir`` (phase-sensitive or real) or ``phase``, by ImageType alone.
        inversion_time: ms, 0 where absent. ``inversion_recovery``: ScanningSequence names IR.
        trigger_time: ms after the R wave, NaN where absent.
        temporal_position, instance_number: as tagged, -1 where absent.
        acquired: what orders repeated images in time: acquisition date and time, then acquisition number.
        position: ImagePositionPatient, LPS mm. ``orientation``: row then column cosines.
        spacing: PixelSpacing, mm between rows, mm between columns. ``shape``: rows, columns.
        colour: more than one sample per pixel.
        slope, intercept: of the modality rescale.
    """

    path: Path
    frame: int | None
    series_uid: str
    series_number: int
    description: str
    words: frozenset[str]
    image_type: tuple[str, ...]
    display: str
    inversion_time: float
    inversion_recovery: bool
    trigger_time: float
    temporal_position: int
    instance_number: int
    acquired: tuple[str, int]
    position: tuple[float, float, float]
    orientation: tuple[float, ...]
    spacing: tuple[float, float]
    shape: tuple[int, int]
    colour: bool
    slope: float
    intercept: float

    @property
    def normal(self) -> np.ndarray:
        """Unit normal of the slice, LPS: row cosines x column cosines."""
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return normal / np.linalg.norm(normal)


@dataclass(frozen=True)
class DicomFile:
    """One DICOM file: its study and images; no image and no ``problem`` means another object, such as a report."""

    path: Path
    study: tuple[str, str]
    frames: tuple[DicomFrame, ...] = ()
    problem: str = ""


def looks_like_dicom(path: Path) -> bool:
    """Whether a file is named as DICOM or carries DICOM's magic word."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(_PREAMBLE)[128:] == b"DICM"
    except OSError:
        return False


def read_headers(paths: Iterable[str | Path]) -> list[DicomFile]:
    """Headers of DICOM files; a file that cannot be read is returned with its ``problem`` instead of raising.

    Args:
        paths: files named or marked as DICOM (see :func:`looks_like_dicom`). A DICOMDIR is skipped.
    """
    paths = [Path(path) for path in paths]
    with disable_value_validation():  # scanners and anonymisers write invalid UIDs and dates; nothing here needs them
        files = [_read_file(path) for path in tqdm(paths, "DICOM headers", disable=len(paths) < 200, leave=False)]
    return [file for file in files if file is not None]


def _read_file(path: Path) -> DicomFile | None:
    try:
        header = pydicom.dcmread(path, specific_tags=_TAGS, stop_before_pixels=True, force=True)
        if header.get("SOPClassUID") == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in header:
            return None
        if "SOPClassUID" not in header and "Rows" not in header:
            return DicomFile(path, ("", ""), problem="it is no DICOM file or is cut short")
        study = (str(header.get("PatientID") or ""), str(header.get("StudyInstanceUID") or ""))
        frames = tuple(_frames(path, header))
        kind = header.file_meta.get("MediaStorageSOPClassUID") or header.get("SOPClassUID")
        if not frames and kind is not None and UID(kind).name.endswith("MR Image Storage"):
            return DicomFile(path, study, problem="it is cut short, or lacks position, orientation or pixel spacing")
        return DicomFile(path, study, frames)
    except Exception as error:  # pydicom raises whatever a damaged element leads to
        return DicomFile(path, ("", ""), problem=f"its header cannot be read ({first_line(error)})")


def _frames(path: Path, header: Dataset) -> Iterator[DicomFrame]:
    """The images with a place in the patient; secondary captures and reports have none."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    multi_frame = int(header.get("NumberOfFrames") or 1) > 1
    if multi_frame and not per_frame:
        return
    for index, group in enumerate(per_frame if multi_frame else [per_frame[0] if per_frame else Dataset()]):
        found = _Lookup(group, shared, header)
        position, orientation, spacing = (
            found.floats(key) for key in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
        )
        if len(position) != 3 or len(orientation) != 6 or len(spacing) != 2 or "Rows" not in header:
            continue
        text = " ".join(str(header.get(key) or "") for key in ("SeriesDescription", "ProtocolName", "SequenceName"))
        image_type = tuple(str(value).upper() for value in found.values("FrameType") or found.values("ImageType"))
        yield DicomFrame(
            path=path,
            frame=index if multi_frame else None,
            series_uid=str(header.get("SeriesInstanceUID") or ""),
            series_number=found.integer("SeriesNumber"),
            description=str(header.get("SeriesDescription") or ""),
            words=frozenset(re.findall(r"[a-z0-9]+", text.lower())),
            image_type=image_type,
            display=_display(image_type, str(found.first("ComplexImageComponent", ""))),
            inversion_time=found.number("InversionTime", found.number("InversionTimes", 0.0)),
            inversion_recovery="IR" in found.values("ScanningSequence"),
            trigger_time=found.number("TriggerTime", found.number("NominalCardiacTriggerDelayTime", float("nan"))),
            temporal_position=found.integer("TemporalPositionIdentifier", found.integer("TemporalPositionIndex")),
            instance_number=index if multi_frame else found.integer("InstanceNumber"),
            acquired=(_acquisition_time(found), found.integer("AcquisitionNumber")),
            position=(position[0], position[1], position[2]),
            orientation=tuple(orientation),
            spacing=(spacing[0], spacing[1]),
            shape=(int(header.Rows), int(header.Columns)),
            colour=int(header.get("SamplesPerPixel") or 1) > 1,
            slope=found.number("RescaleSlope", 1.0),
            intercept=found.number("RescaleIntercept", 0.0),
        )


class _Lookup:
    """Finds an attribute in a frame's functional groups, then the shared ones, then the header itself."""

    def __init__(self, group: Dataset, shared: Dataset, header: Dataset) -> None:
        nested = [item.value[0] for place in (group, shared) for item in place if item.VR == "SQ" and len(item.value)]
        self.places = [*nested, header]

    def values(self, keyword: str) -> list[Any]:
        for place in self.places:
            value = place.get(keyword)
            if value is not None and value != "":
                return [value] if isinstance(value, str | int | float) else list(value)
        return []

    def first(self, keyword: str, default: Any) -> Any:
        return next(iter(self.values(keyword)), default)

    def floats(self, keyword: str) -> list[float]:
        return [float(value) for value in self.values(keyword)]

    def number(self, keyword: str, default: float) -> float:
        return float(self.first(keyword, default))

    def integer(self, keyword: str, default: int = -1) -> int:
        return int(self.first(keyword, default))


def _display(image_type: tuple[str, ...], component: str) -> str:
    """Siemens tags PSIR or R, Philips CR or PHASE CORRECTED REAL, enhanced files ComplexImageComponent REAL."""
    kinds = {*image_type[2:], component.upper()}
    if any("PSIR" in kind for kind in kinds) or kinds & {"R", "REAL", "CR", "PHASE CORRECTED REAL"}:
        return "psir"
    if kinds & {"P", "PHASE", "I", "IMAGINARY", "PHASE MAP"}:
        return "phase"
    return "magnitude"


def _acquisition_time(found: _Lookup) -> str:
    for moment in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        if found.first(moment, ""):
            return str(found.first(moment, ""))
    for kind in ("Acquisition", "Content"):
        if found.first(f"{kind}Time", ""):
            return f"{found.first(f'{kind}Date', '')}{found.first(f'{kind}Time', '')}"
    return ""
