"""DICOM series as a scanner would export them, for simulated examinations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from monai_jdl.atomic import atomic_path

_IMAGE_TYPES = {
    "magnitude": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "psir": ["DERIVED", "PRIMARY", "R", "PSIR"],
}
_DATE = "20200101"  # no date of today: the same input gives the same bytes
_START = 9 * 3600.0
_BREATH_HOLD_S = 25.0


def as_dicom_grid(array: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A volume with its slices in the order in which a DICOM reader sorts them: along rows x columns.

    Args:
        array: [X, Y, Z].
        affine: [4, 4], voxel to RAS+ mm.

    Returns:
        (array, affine) as given if the affine is right-handed, else with Z reversed.
    """
    if np.linalg.det(affine[:3, :3]) > 0:
        return array, affine
    reversed_z = np.eye(4)
    reversed_z[2, 2], reversed_z[2, 3] = -1, array.shape[2] - 1
    return array[..., ::-1], affine @ reversed_z


def write_lge_series(
    folder: str | Path,
    stored: np.ndarray,
    affine: np.ndarray,
    *,
    inversion_times: Sequence[float] | np.ndarray,
    slice_thickness: float,
    seed: int,
    display: str = "magnitude",
    rr: float = 900.0,
    repetition: float = 1800.0,
    rescale_slope: float = 1.0,
    rescale_intercept: float = 0.0,
    patient: str = "phantom",
    description: str = "LGE SAX",
    series_number: int = 1,
) -> list[Path]:
    """Write one file per slice: MR Image Storage, explicit little endian.

    File names are scrambled against slice positions, as exports do; instance numbers follow Z. The bytes depend on the
    arguments (and pydicom's version) alone: UIDs come from ``patient``, ``seed``, ``series_number`` and ``display``, dates
    are fixed. Files of an earlier run (``IM*.dcm``) in ``folder`` are replaced.

    Args:
        folder: of the series; made if needed.
        stored: whole numbers 0 to 65535, [X, Y, Z]; value = stored * ``rescale_slope`` + ``rescale_intercept``.
        affine: [4, 4], voxel to RAS+ mm; columns orthogonal in X and Y. Readers give right-handed volumes, see
            :func:`as_dicom_grid`.
        inversion_times: ms, one per slice.
        slice_thickness: mm; the distance of positions comes from ``affine``.
        seed: of UIDs and file names.
        display: ``magnitude`` or ``psir``.
        rr: RR interval, ms; images are gated at 65 % of it.
        repetition: time between inversions, ms.
        rescale_slope, rescale_intercept: see ``stored``.
        patient: PatientID and name.
        description, series_number: of the series.

    Returns:
        The files, in order of Z.
    """
    folder = Path(folder)
    for old in folder.glob("IM*.dcm"):
        old.unlink()
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine, dtype=np.float64)
    size = np.linalg.norm(lps[:3, :3], axis=0)
    row, column = lps[:3, 0] / size[0], lps[:3, 1] / size[1]
    normal = np.cross(row, column)
    names = 1 + np.random.default_rng(seed).permutation(stored.shape[2])
    own = [patient, str(seed)]
    series_uid = generate_uid(entropy_srcs=[*own, str(series_number), display])

    common = Dataset()
    common.SpecificCharacterSet = "ISO_IR 100"
    common.ImageType = _IMAGE_TYPES[display]
    common.SOPClassUID = MRImageStorage
    common.StudyDate = common.SeriesDate = common.AcquisitionDate = common.ContentDate = _DATE
    common.StudyTime = _time(0)
    common.AccessionNumber = ""
    common.Modality = "MR"
    common.Manufacturer = "monai_jdl (simulated)"
    common.ReferringPhysicianName = ""
    common.SeriesDescription = description
    common.PatientName = common.PatientID = patient
    common.PatientBirthDate = common.PatientSex = ""
    common.ScanningSequence = ["GR", "IR"]
    common.SequenceVariant = "SK"
    common.ScanOptions = "CG"
    common.MRAcquisitionType = "2D"
    common.SliceThickness = _ds(slice_thickness)
    common.RepetitionTime = _ds(repetition)
    common.EchoTime = "3"
    common.SpacingBetweenSlices = _ds(abs(float(lps[:3, 2] @ normal)))
    common.EchoTrainLength = "1"
    common.NominalInterval = str(round(rr))
    common.TriggerTime = _ds(0.65 * rr)
    common.PatientPosition = "HFS"
    common.StudyInstanceUID = generate_uid(entropy_srcs=[*own, "study"])
    common.SeriesInstanceUID = series_uid
    common.StudyID = "1"
    common.SeriesNumber = str(series_number)
    common.FrameOfReferenceUID = generate_uid(entropy_srcs=[*own, "frame of reference"])
    common.PositionReferenceIndicator = ""
    common.ImageOrientationPatient = [_ds(value) for value in (*row, *column)]
    common.PixelSpacing = [_ds(size[1]), _ds(size[0])]
    common.Columns, common.Rows = stored.shape[:2]
    common.SamplesPerPixel = 1
    common.PhotometricInterpretation = "MONOCHROME2"
    common.BitsAllocated = 16
    common.BitsStored = 12 if stored.max() < 4096 else 16
    common.HighBit = common.BitsStored - 1
    common.PixelRepresentation = 0
    common.RescaleSlope, common.RescaleIntercept = _ds(rescale_slope), _ds(rescale_intercept)
    common.RescaleType = "US"

    paths = []
    for z in range(stored.shape[2]):
        image = Dataset(common)
        position = lps[:3, 3] + z * lps[:3, 2]
        image.SOPInstanceUID = generate_uid(entropy_srcs=[series_uid, str(z)])
        image.AcquisitionTime = image.ContentTime = _time(_BREATH_HOLD_S * z)
        image.InversionTime = _ds(float(inversion_times[z]))
        image.AcquisitionNumber = image.InstanceNumber = str(z + 1)
        image.ImagePositionPatient = [_ds(value) for value in position]
        image.SliceLocation = _ds(float(position @ normal))
        image.PixelData = stored[..., z].T.astype("<u2").tobytes()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        paths.append(folder / f"IM{names[z]:04d}.dcm")
        with atomic_path(paths[-1]) as temporary:
            image.save_as(temporary, enforce_file_format=True)
    return paths


def _ds(value: float) -> str:
    return format_number_as_ds(float(value))


def _time(seconds: float) -> str:
    minutes, second = divmod(_START + seconds, 60)
    return f"{int(minutes // 60):02d}{int(minutes % 60):02d}{second:09.6f}"
