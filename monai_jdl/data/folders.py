"""A data set from one's own files: a datalist for folders of volumes, NIfTI from DICOM studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from monai.transforms import LoadImaged

from monai_jdl.data.cases import CaseDataset, find_cases
from monai_jdl.data.datalist import write_datalist
from monai_jdl.data.files import check_output_dir
from monai_jdl.data.layouts import folder_sections
from monai_jdl.data.reader import LGEReader
from monai_jdl.data.volumes import save_nifti


def prepare_folder(folder: str | Path, output: str | Path, label_scheme: str | None = None) -> Path:
    """Write a datalist for labelled images in a known layout (:func:`monai_jdl.data.layouts.folder_sections`).

    Args:
        folder: the data set; its files stay where they are.
        output: the datalist to write, or a folder for its ``datalist.json``.
        label_scheme: ``jdl`` or ``emidec``; None takes the layout's own.

    Returns:
        The path of the datalist, to be completed by hand (patients, tasks, validation list).
    """
    sections, scheme = folder_sections(Path(folder).expanduser().absolute())
    target = Path(output).expanduser()
    target = target if target.suffix == ".json" else target / "datalist.json"
    return write_datalist(target, sections, label_scheme or scheme)


def prepare_dicom(folder: str | Path, output: str | Path, series: str | None = None, phase: int | None = None) -> Path:
    """Convert the LGE stack of each DICOM study to NIfTI, geometry kept, for labelling or inference.

    Writes ``OUT/images/<case>.nii.gz`` and ``OUT/datalist.json`` (all cases in the testing list, label null; put label
    maps into ``OUT/labels`` under the same names and run :func:`prepare_folder` to train on them). Volume files in
    ``folder`` are converted alike.

    Args:
        folder: DICOM studies nested at will.
        output: folder to write to.
        series, phase: as in :class:`monai_jdl.data.LGEReader`.

    Returns:
        The path of the datalist.

    Raises:
        InputError: nothing to convert; or some studies failed: the others are converted by then, and ``OUT/errors.csv``
            says what is wrong.
    """
    out = check_output_dir(output)
    studies = CaseDataset(
        find_cases(folder, series, phase),
        LoadImaged(keys="image", reader=LGEReader(phase, series)),
        out / "errors.csv",
    )
    items = []
    for study in studies:
        path = out / "images" / f"{study['case']}.nii.gz"
        affine = np.asarray(study["image"].affine, dtype=np.float64)
        items.append({"image": save_nifti(path, study["image"].numpy(), affine), "label": None, "case": study["case"]})
    if items:
        write_datalist(out / "datalist.json", {"testing": items}, "jdl")
    studies.raise_if_any()
    return out / "datalist.json"
