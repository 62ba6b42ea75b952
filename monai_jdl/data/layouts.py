"""Folder layouts of labelled data sets without a datalist: which image goes with which label map."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from monai_jdl.data.files import is_volume_name, stem
from monai_jdl.errors import InputError

_PAIRED = (("images", "labels"), ("imagesTr", "labelsTr"))
_PAIRED_TEST = ("imagesTs", "labelsTs")
_ENDING = re.compile(r"(_0000|[-_.](seg|labels?|masks?|gt))$", re.IGNORECASE)


def folder_sections(folder: Path) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """Items by section and the label scheme of a folder in one of the known layouts.

    - EMIDEC's official one: ``Case_X/Images/Case_X.nii.gz`` with ``Case_X/Contours/Case_X.nii.gz``; scheme ``emidec``.
    - ``images/`` with ``labels/``, or ``imagesTr/`` with ``labelsTr/`` (and ``imagesTs/``, ``labelsTs/`` for testing):
      volumes or folders of DICOM, matched by name without suffix, letter case, ``_0000``, ``_seg`` and the like.

    Raises:
        InputError: none of them, or no image has a label map.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist; give the folder of a data set or a datalist.json.")
    emidec = emidec_items(folder)
    if emidec:
        return {"training": emidec}, "emidec"
    for images, labels in _PAIRED:
        if (folder / images).is_dir():
            training = _paired_items(folder / images, folder / labels)
            if not any(item["label"] for item in training):
                raise InputError(
                    f"No image in {folder / images} has a label map of the same name in {folder / labels}; name them alike."
                )
            test_images, test_labels = (folder / name for name in _PAIRED_TEST)
            testing = _paired_items(test_images, test_labels) if test_images.is_dir() else []
            return {"training": training, "testing": testing}, "jdl"
    raise InputError(
        f"{folder} holds no datalist.json, dataset.json, images/ with labels/ or EMIDEC cases; prepare it with "
        "`monai-jdl prepare` or give another --dataset_dir."
    )


def emidec_items(folder: Path) -> list[dict[str, Any]]:
    """``image``, ``label`` (None where there are no contours) and ``case`` of EMIDEC's official layout; may be empty."""
    items = []
    for case in sorted(folder.glob("Case_*")):
        images = sorted(path for path in (case / "Images").glob("*") if is_volume_name(path))
        labels = sorted(path for path in (case / "Contours").glob("*") if is_volume_name(path))
        if len(images) == 1:
            items.append(
                {"image": str(images[0]), "label": str(labels[0]) if len(labels) == 1 else None, "case": case.name}
            )
    return items


def _paired_items(images: Path, labels: Path) -> list[dict[str, Any]]:
    masks = {_match_name(path): str(path) for path in sorted(labels.glob("*")) if is_volume_name(path)}
    return [
        {"image": str(path), "label": masks.get(_match_name(path))}
        for path in sorted(images.glob("*"))
        if not path.name.startswith(".") and (path.is_dir() or is_volume_name(path))
    ]


def _match_name(path: Path) -> str:
    return _ENDING.sub("", path.name if path.is_dir() else stem(path)).lower()
