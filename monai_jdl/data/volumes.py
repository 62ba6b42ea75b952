"""Volumes in files: NIfTI, NRRD, MetaImage and DICOM into one array with one affine, and NIfTI out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from monai_jdl.atomic import atomic_path
from monai_jdl.data.dicom import find_stack, read_stack
from monai_jdl.data.dicom_headers import looks_like_dicom
from monai_jdl.data.files import ITK_SUFFIXES, NIFTI_SUFFIXES, VOLUME_SUFFIXES
from monai_jdl.errors import InputError


@dataclass(frozen=True)
class Volume:
    """A stack of slices.

    Attributes:
        array: [X, Y, Z], slices along Z as acquired.
        affine: float64 [4, 4], voxel to RAS+ mm.
        info: for DICOM ``series_uid``, ``series_description`` and ``display`` (``magnitude`` or ``psir``), else empty.
    """

    array: np.ndarray
    affine: np.ndarray
    info: dict[str, str] = field(default_factory=dict)


def read_volume(paths: Sequence[str | Path], phase: int | None = None, series: str | None = None) -> Volume:
    """Read one volume.

    Args:
        paths: one NIfTI, NRRD, MHA or MHD file; one DICOM file (its series in the same folder); one folder with a
            DICOM study; or several DICOM files of one study.
        phase: of several cardiac phases (4-D NIfTI, cine DICOM) the one to take, from 0; ignored where there is one.
        series: which DICOM series of a study, see :mod:`monai_jdl.data.lge_choice`.

    Raises:
        InputError: the file is missing, damaged, or not a stack of parallel grey-scale slices.
    """
    files = [Path(path).expanduser() for path in paths]
    for file in files:
        if not file.exists():
            raise InputError(f"{file} does not exist; check the path.")
    first = files[0]
    if len(files) == 1 and first.is_file() and first.name.lower().endswith(NIFTI_SUFFIXES):
        volume = _read_nifti(first, phase)
    elif len(files) == 1 and first.is_file() and first.name.lower().endswith(ITK_SUFFIXES):
        volume = _read_itk(first, phase)
    elif first.is_dir() or all(looks_like_dicom(file) for file in files):
        stack = find_stack(files, series, phase)
        header = stack.frames[0]
        info = {
            "series_uid": header.series_uid,
            "series_description": header.description,
            "display": stack.part.display,
        }
        volume = Volume(*read_stack(stack), info)
    else:
        known = ", ".join(VOLUME_SUFFIXES)
        other = next(file for file in files if not looks_like_dicom(file))
        raise InputError(f"{other} is neither DICOM nor a volume file ({known}); convert it to NIfTI.")
    if volume.array.ndim != 3 or min(volume.array.shape) < 2:
        shape = " x ".join(map(str, volume.array.shape))
        raise InputError(f"{first} is a single 2-D slice ({shape}); give a 3-D stack of short-axis slices.")
    return volume


def save_nifti(path: str | Path, array: np.ndarray, affine: np.ndarray) -> Path:
    """Write a volume as NIfTI, whole or not at all; the same input gives the same bytes.

    Args:
        path: ends in ``.nii`` or ``.nii.gz``.
        array: [X, Y, Z] in the data type to store.
        affine: [4, 4], voxel to RAS+ mm; goes to both sform and qform (scanner coordinates).
    """
    image = nib.Nifti1Image(array, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)
    return Path(path)


def _read_nifti(path: Path, phase: int | None) -> Volume:
    try:
        image = cast(nib.Nifti1Image, nib.load(path))
        if image.get_data_dtype().names or image.get_data_dtype().kind == "c":
            raise InputError(f"{path} holds colour or complex values; give the grey-scale image.")
        selection = _phase_selection(path, image.shape, phase)
        array = np.asarray(image.dataobj[selection], dtype=np.float32)
        affine = np.asarray(image.affine, dtype=np.float64)
    except InputError:
        raise
    except Exception as error:  # nibabel, gzip and zlib raise many kinds for damaged files
        reason = f"{error or type(error).__name__}".strip().splitlines()[0]
        raise InputError(
            f"{path} cannot be read as NIfTI and may be cut short ({reason}); copy or convert it again."
        ) from error
    return Volume(array, _checked_affine(path, affine))


def _read_itk(path: Path, phase: int | None) -> Volume:
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(
            f"{path} cannot be read as NRRD or MetaImage and may be cut short; copy or convert it again."
        ) from error
    if image.GetNumberOfComponentsPerPixel() > 1:
        raise InputError(f"{path} holds several values per voxel (colour?); give the grey-scale image.")
    array = sitk.GetArrayViewFromImage(image).T
    array = array[_phase_selection(path, array.shape, phase)].astype(np.float32)
    size = image.GetDimension()
    affine = np.eye(4)
    if size >= 3:
        affine[:3, :3] = (np.reshape(image.GetDirection(), (size, size)) * image.GetSpacing())[:3, :3]
        affine[:3, 3] = image.GetOrigin()[:3]
    return Volume(array, _checked_affine(path, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine))


def _phase_selection(path: Path, shape: tuple[int, ...], phase: int | None) -> tuple:
    """Index of the 3-D volume within an array of ``shape`` (axis 3 holds the phases, further axes are 1)."""
    if any(length > 1 for length in shape[4:]):
        raise InputError(f"{path} has {len(shape)} dimensions {shape}; give a 3-D stack.")
    if len(shape) < 4:
        return (...,)
    if shape[3] == 1:
        phase = 0
    elif phase is None or not 0 <= phase < shape[3]:
        wrong = "" if phase is None else f"; phase {phase} is not among them"
        raise InputError(
            f"{path} has {shape[3]} cardiac phases{wrong}; choose one with --phase N, N from 0 to {shape[3] - 1}."
        )
    return (slice(None), slice(None), slice(None), phase) + (0,) * len(shape[4:])


def _checked_affine(path: Path, affine: np.ndarray) -> np.ndarray:
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(f"{path} has no usable geometry (its affine is singular); write it again with voxel sizes.")
    return affine
