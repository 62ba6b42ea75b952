"""Simulated examinations as a data set on disk: images, truth and datalist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from monai_jdl.data.datalist import Item, write_datalist
from monai_jdl.data.dicom_writer import as_dicom_grid, write_lge_series
from monai_jdl.data.files import check_output_dir
from monai_jdl.data.volumes import save_nifti
from monai_jdl.phantoms import LGECase


def write_phantoms(
    out: str | Path, cases: Iterable[LGECase] | Mapping[str, Iterable[LGECase]], *, file_format: str = "nifti"
) -> Path:
    """Write simulated examinations one by one, as they come.

    Layout: ``images/<case>.nii.gz`` or ``images/<case>/IM....dcm``, ``labels/<case>.nii.gz`` (scheme ``emidec``) and
    ``datalist.json``, whose items also tell seed, kind, display, motion and true scar %. The case is ``phantom_<seed>``,
    with the motion in its name where there is some. Both formats hold the same signal values on the same places, and the
    same cases give the same bytes.

    Args:
        out: folder.
        cases: examinations by section (``training``, ``validation``, ``testing``), or all of them for training (which
            :func:`monai_jdl.data.load_datalist` splits).
        file_format: ``nifti`` or ``dicom``.

    Returns:
        The path of the datalist.

    Raises:
        InputError: ``out`` cannot be written.
        ValueError: unknown format.
    """
    if file_format not in ("nifti", "dicom"):
        raise ValueError(f"file_format must be 'nifti' or 'dicom', got {file_format!r}")
    out = check_output_dir(out)
    sections: dict[str, list[Item]] = {}
    for section, examinations in (cases if isinstance(cases, Mapping) else {"training": cases}).items():
        bar = tqdm(examinations, f"{section} phantoms")
        sections[section] = [_write_case(out, case, file_format) for case in bar]
    return write_datalist(out / "datalist.json", sections, "emidec")


def _write_case(out: Path, case: LGECase, file_format: str) -> Item:
    name = f"phantom_{case.seed}" + (f"_motion_{case.motion_mm:g}mm" if case.motion_mm else "")
    label, affine = case.label, case.affine
    if file_format == "dicom":
        image = out / "images" / name
        write_lge_series(
            image,
            case.image,
            case.affine,
            inversion_times=case.inversion_times,
            slice_thickness=case.slice_thickness,
            seed=case.seed,
            display=case.display,
            rr=case.rr,
            repetition=case.repetition,
            rescale_intercept=case.rescale_intercept,
            patient=name,
            description=f"LGE SAX {case.display.upper()}",
        )
        label, affine = as_dicom_grid(case.label, case.affine)
    else:
        image = out / "images" / f"{name}.nii.gz"
        save_nifti(image, (case.image + case.rescale_intercept).astype(np.int16), affine)
    return {
        "image": str(image),
        "label": str(save_nifti(out / "labels" / f"{name}.nii.gz", label, affine)),
        "case": name,
        "patient": f"phantom_{case.seed}",
        "seed": case.seed,
        "kind": case.kind,
        "display": case.display,
        "motion_mm": case.motion_mm,
        "scar_percent": round(case.scar_percent, 3),
    }
