"""DICOM studies on disk: find them, choose the stack, read its voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.config import disable_value_validation
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_jdl.data.dicom_headers import DicomFile, DicomFrame, looks_like_dicom, read_headers
from monai_jdl.data.dicom_series import SeriesPart, stack_affine, stack_frames
from monai_jdl.data.files import folder_files
from monai_jdl.data.lge_choice import choose_part
from monai_jdl.errors import InputError


@dataclass(frozen=True)
class DicomStack:
    """The chosen stack: sorted images, one per slice, and the part of the series that they come from."""

    frames: tuple[DicomFrame, ...]
    part: SeriesPart

    @property
    def files(self) -> list[str]:
        """Paths in slice order; one path only for an enhanced file."""
        return list(dict.fromkeys(str(frame.path) for frame in self.frames))


def find_studies(folder: str | Path) -> list[list[DicomFile]]:
    """DICOM files below a folder, by patient and study; files that cannot be read join the study of their folder.

    Args:
        folder: searched through all its subfolders.

    Returns:
        One list per study, ordered by first path; unreadable files whose folder holds no study make one of their own.
    """
    files = read_headers(path for path in folder_files(folder) if looks_like_dicom(path))
    studies: dict[tuple, list[DicomFile]] = {}
    for file in files:
        if not file.problem:
            # Without a StudyInstanceUID the folder has to stand for the study.
            key = file.study if file.study[1] else (*file.study, str(file.path.parent))
            studies.setdefault(key, []).append(file)
    for file in files:
        if file.problem:
            beside = [key for key, study in studies.items() if any(f.path.parent == file.path.parent for f in study)]
            studies.setdefault(beside[0] if beside else ("unreadable", str(file.path)), []).append(file)
    return sorted(studies.values(), key=lambda study: str(study[0].path))


def choose_stack(files: Sequence[DicomFile], series: str | None = None, phase: int | None = None) -> DicomStack:
    """The LGE stack of one study (:mod:`monai_jdl.data.lge_choice`), sorted (:mod:`monai_jdl.data.dicom_series`).

    Args:
        files: headers of the study's files.
        series: SeriesInstanceUID, SeriesNumber or text of the description; None goes by the rule.
        phase: cardiac phase from 0; ignored where the series has one.

    Raises:
        InputError: the study holds no stack, or a file of the chosen stack's folder cannot be read.
    """
    frames = [frame for file in files for frame in file.frames]
    bad = [file for file in files if file.problem]
    if not frames and not bad:
        raise InputError(
            f"{files[0].path} holds no image placed in the patient (a report, a screenshot?); give the MR series."
        )
    try:
        part = choose_part(frames, series)
    except InputError:
        if bad:  # the likelier reason
            raise _unreadable(bad[0]) from None
        raise
    folders = {frame.path.parent for frame in part.frames}
    for file in bad:
        if file.path.parent in folders:  # it may be a slice of the stack
            raise _unreadable(file)
    return DicomStack(tuple(stack_frames(part, phase)), part)


def find_stack(paths: Sequence[Path], series: str | None = None, phase: int | None = None) -> DicomStack:
    """The stack that a path means: a folder's study, one file's series in its folder, or the given files alone.

    Args:
        paths: one folder, one file, or several files of one study.
        series, phase: as in :func:`choose_stack`.

    Raises:
        InputError: as :func:`choose_stack`; several studies; nothing DICOM.
    """
    if len(paths) > 1:
        return choose_stack(read_headers(paths), series, phase)
    path = paths[0]
    if path.is_dir():
        studies = find_studies(path)
        if not studies:
            raise InputError(f"{path} holds no DICOM file; give a NIfTI file or a folder with a DICOM series.")
        imaging = [study for study in studies if any(file.frames for file in study)] or studies
        if len(imaging) > 1:
            raise InputError(f"{path} holds {len(imaging)} DICOM studies; give the folder of one.")
        return choose_stack(imaging[0], series, phase)
    own = read_headers([path])
    if not own or not own[0].frames:
        return choose_stack(own or [DicomFile(path, ("", ""), problem="it is a DICOMDIR")])
    around = read_headers(
        other for other in sorted(path.parent.iterdir()) if other.is_file() and looks_like_dicom(other)
    )
    uid = own[0].frames[0].series_uid
    same = [file for file in around if file.problem or any(frame.series_uid == uid for frame in file.frames)]
    return choose_stack(same, series, phase)


def _unreadable(file: DicomFile) -> InputError:
    return InputError(f"{file.path} cannot be read: {file.problem}; copy it again or remove it.")


def read_stack(stack: DicomStack) -> tuple[np.ndarray, np.ndarray]:
    """Voxels and geometry of a stack.

    Returns:
        (volume, affine): float32 [X, Y, Z] (columns, rows, slices along the normal) with the modality rescale applied,
        and the float64 [4, 4] affine from voxel to RAS+ mm.

    Raises:
        InputError: a file's pixels cannot be decoded, or are cut short.
    """
    decoded: dict[Path, tuple[np.ndarray, bool]] = {}
    slices = []
    for frame in stack.frames:
        if frame.path not in decoded:
            decoded = {frame.path: _decoded(frame.path)}  # an enhanced file is decoded once for all its images
        pixels, rescaled = decoded[frame.path]
        image = pixels if frame.frame is None else pixels[frame.frame]
        if image.shape != frame.shape:
            raise InputError(
                f"{frame.path} holds pixels of shape {image.shape}, its header says {frame.shape}; export it again."
            )
        slices.append((image if rescaled else image * frame.slope + frame.intercept).T)
    return np.stack(slices, axis=-1).astype(np.float32), stack_affine(stack.frames)


def _decoded(path: Path) -> tuple[np.ndarray, bool]:
    """A file's pixels as float64, [rows, columns] or [images, rows, columns], and whether the rescale is in them.

    pydicom checks the length of plain pixel data, which GDCM does not; GDCM (in SimpleITK) decodes every compressed
    syntax that scanners write, pydicom only with plug-ins.
    """
    try:
        with disable_value_validation():
            dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:
            implicit = dataset.original_encoding[0]
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        if not dataset.file_meta.TransferSyntaxUID.is_compressed:
            return dataset.pixel_array.astype(np.float64), False
        pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO"))
        return (pixels if len(pixels) > 1 else pixels[0]).astype(np.float64), True
    except Exception as error:  # pydicom and ITK raise many kinds for damaged files
        reason = f"{error}".strip().splitlines()[-1].rstrip(".")
        raise InputError(
            f"{path} cannot be decoded and may be cut short ({reason}); copy it again from the scanner or archive."
        ) from error
