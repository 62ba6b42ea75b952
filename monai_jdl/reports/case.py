"""Numbers and pictures of one case from an image and a mask, drawn or corrected by hand."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.utils import ImageMetaKey

from cardiac_transforms.mri import ScarSchemed
from monai_jdl.analysis import MUSCLE_DENSITY, SCAR_COLUMNS, scar_burden
from monai_jdl.data import CheckLabelGridd, LabelReader, LGEReader
from monai_jdl.data.files import case_names, stem
from monai_jdl.reports.figures import case_figure, png
from monai_jdl.reports.page import Section, write_page
from monai_jdl.reports.tables import write_csv

SLICE_COLUMNS = ("slice", "myocardium_ml", "scar_ml", "scar_percent")


def case_report(image: str | Path, mask: str | Path, output: str | Path, label_scheme: str = "jdl") -> Path:
    """Write ``scar.csv`` and the page ``report.html`` with numbers by case and by slice, and pictures.

    Args:
        image: LGE stack, a file or a DICOM folder.
        mask: label map on the image's grid.
        output: folder.
        label_scheme: of the mask: ``jdl`` (1 myocardium without scar, 2 scar) or ``emidec`` (1 cavity, 2 myocardium,
            3 infarct, 4 no-reflow).

    Returns:
        The path of the page.

    Raises:
        InputError: a file cannot be read, the mask does not fit the image or its scheme, matplotlib is missing, or
            the folder cannot be written.
    """
    path, output = Path(image), Path(output)
    case = case_names([[path.name if path.is_dir() else stem(path)]])[0]
    stack, affine, masks = load_case(image, {"mask": mask}, {"mask": label_scheme})
    label = masks["mask"]
    burden = {"case": case, **scar_burden(label, affine)}
    slices = [
        {"slice": z + 1, **{column: found[column] for column in SLICE_COLUMNS[1:]}}
        for z in range(label.shape[2])
        for found in [scar_burden(label[..., z : z + 1], affine)]
    ]
    picture = png(case_figure(stack, affine, masks))
    numbers = f"LV mass is myocardium with its scar, at {MUSCLE_DENSITY} g/mL; a slice counts with the gap to the next."
    table = write_csv(output / "scar.csv", [burden], SCAR_COLUMNS)
    return write_page(
        output / "report.html",
        f"Myocardial scar: {case}",
        [
            Section("Scar burden", numbers, [burden], links={table.name: table.name}),
            Section("Slices, base to apex", pictures={"Myocardium outlined in blue, scar in orange.": picture}),
            Section("By slice", "Slices are counted in the order of the file.", slices),
            Section("Input", f"Image {image}. Mask {mask}, label scheme {label_scheme}."),
        ],
    )


def load_case(
    image: str | Path | list[str], masks: Mapping[str, str | Path], schemes: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Read a stack and label maps on its grid, as the bundle's workflows do.

    Args:
        image: a file, a DICOM folder or the files of a DICOM stack.
        masks: name -> file of a label map.
        schemes: name -> its label scheme, ``jdl`` where there is none.

    Returns:
        The stack [X, Y, Z], its affine to RAS+ in mm, and name -> label map [X, Y, Z] of scheme ``jdl``.

    Raises:
        InputError: a file cannot be read, or a mask does not fit the image or its scheme.
    """
    stack = _read(LGEReader(), image)
    labels = {}
    for name, file in masks.items():
        data: dict[Hashable, Any] = {"image": stack, "label": _read(LabelReader(), file)}
        data["label_scheme"] = schemes.get(name, "jdl")
        labels[name] = ScarSchemed("label")(CheckLabelGridd("label")(data))["label"]
    return stack[0].numpy(), stack.affine.numpy(), {name: label[0].numpy() for name, label in labels.items()}


def _read(reader: LGEReader, path: str | Path | list[str]) -> MetaTensor:
    """[1, X, Y, Z]; MONAI's LoadImage, which does the same, sets up every other reader that it knows for each call."""
    array, meta = reader.get_data(reader.read(path))
    return MetaTensor(torch.from_numpy(array)[None], meta={**meta, ImageMetaKey.FILENAME_OR_OBJ: str(path)})
