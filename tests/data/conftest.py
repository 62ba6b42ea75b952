"""Small stacks as files: DICOM series with any geometry, NIfTI images with label maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from monai_jdl.data import save_nifti, write_lge_series

OBLIQUE = np.array(
    [[0.9, 0.5, -4.0, 11.0], [-0.7, 1.0, 5.0, -30.0], [0.8, 0.6, 6.5, 47.0], [0.0, 0.0, 0.0, 1.0]]
)  # columns made orthogonal below
OBLIQUE[:3, :3] = np.linalg.qr(OBLIQUE[:3, :3])[0] * [1.5, 1.25, 9.0]
OBLIQUE[:3, 2] *= np.sign(np.linalg.det(OBLIQUE[:3, :3]))


def stack(slices: int = 5, shape: tuple[int, int] = (8, 6), seed: int = 0) -> np.ndarray:
    """Random 12-bit voxels, int16 [X, Y, Z]."""
    return np.random.default_rng(seed).integers(0, 4096, (*shape, slices), dtype=np.int16)


def write_series(folder: Path, volume: np.ndarray | None = None, affine: np.ndarray = OBLIQUE, **options) -> list[Path]:
    """A DICOM series of ``volume``; ``options`` go to :func:`write_lge_series`."""
    volume = stack() if volume is None else volume
    options = {"inversion_times": np.full(volume.shape[2], 300.0), "slice_thickness": 8.0, "seed": 7} | options
    return write_lge_series(folder, volume, affine, **options)


def edit(path: Path, change: Callable[[Dataset], object], to: Path | None = None) -> Path:
    """Change a DICOM file in place, or write the changed copy ``to`` another file with its own instance UID."""
    dataset = pydicom.dcmread(path)
    change(dataset)
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(to)])
    dataset.save_as(to or path)
    return to or path


def write_pair(folder: Path, name: str, label: np.ndarray, affine: np.ndarray | None = None) -> tuple[Path, Path]:
    """``images/<name>.nii.gz`` with random intensities and ``labels/<name>.nii.gz``."""
    affine = np.diag([1.5, 1.5, 8.0, 1.0]) if affine is None else affine
    image = np.random.default_rng(len(name)).normal(100, 20, label.shape).astype(np.float32)
    return (
        save_nifti(folder / "images" / f"{name}.nii.gz", image, affine),
        save_nifti(folder / "labels" / f"{name}.nii.gz", label.astype(np.uint8), affine),
    )
