"""The EMIDEC data set (Lalande et al., Data 2020, 5(4), 89) as a datalist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from monai_jdl.data.datalist import Item, deal_folds, write_datalist
from monai_jdl.data.layouts import emidec_items
from monai_jdl.data.volumes import read_volume
from monai_jdl.errors import InputError

_INFARCT = 3  # this label and above: infarct, no-reflow


def prepare_emidec(folder: str | Path, output: str | Path, seed: int = 0) -> Path:
    """Write a datalist for EMIDEC's official folder layout; the images stay where they are.

    Patients with and without infarct (by label map) are kept in proportion: a fifth goes to testing; the rest gets
    folds 0 to 4, of which fold 0 is the validation list and the others the training list (64 / 16 / 20 %).

    Args:
        folder: holds ``Case_X/Images/Case_X.nii.gz`` and ``Case_X/Contours/Case_X.nii.gz``.
        output: the datalist to write, or a folder for its ``datalist.json``.
        seed: of the split.

    Returns:
        The path of the datalist.

    Raises:
        InputError: no such cases in ``folder``, or a label map that cannot be read.
    """
    items = [item for item in emidec_items(Path(folder).expanduser().absolute()) if item["label"]]
    if not items:
        raise InputError(
            f"{folder} holds no Case_X/Images/Case_X.nii.gz with Case_X/Contours/; give the unpacked EMIDEC training set."
        )
    infarct = np.array([read_volume([item["label"]]).array.max() >= _INFARCT for item in tqdm(items, "EMIDEC labels")])
    names = np.array([item["case"] for item in items])
    testing = deal_folds([names[infarct], names[~infarct]], seed)
    kept = np.array([testing[name] != 0 for name in names])
    folds = deal_folds([names[infarct & kept], names[~infarct & kept]], seed)
    sections: dict[str, list[Item]] = {"training": [], "validation": [], "testing": []}
    for item in items:
        item["patient"] = item["case"]
        if item["case"] in folds:
            item["fold"] = folds[item["case"]]
        sections[{None: "testing", 0: "validation"}.get(item.get("fold"), "training")].append(item)
    target = Path(output).expanduser()
    return write_datalist(target if target.suffix == ".json" else target / "datalist.json", sections, "emidec")
