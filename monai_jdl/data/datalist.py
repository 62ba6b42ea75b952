"""Data lists for training and evaluation: which images, label maps, patients and tasks belong to which section.

``datalist.json`` (after the Medical Segmentation Decathlon's ``dataset.json``)::

    {"label_scheme": "jdl",
     "training": [{"image": "a.nii.gz", "label": "a_seg.nii.gz", "patient": "A", "fold": 0, "tasks": ["myocardium"]}],
     "validation": [...], "testing": [...]}

Paths are relative to the file. ``image`` may be a folder with a DICOM study. ``label`` may be null; ``tasks`` names what
the label map holds (default both), so that what was not annotated is never taken for absent. A bare list of items is
a training list.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cardiac_transforms.mri.scar_label import SCHEMES, TASKS
from monai_jdl.atomic import atomic_path
from monai_jdl.data.files import case_names, check_output_dir, stem
from monai_jdl.data.layouts import folder_sections
from monai_jdl.errors import InputError

logger = logging.getLogger(__name__)

Item = dict[str, Any]
FOLDS = 5
_SECTIONS = {"training": "train", "validation": "val", "testing": "test"}


def load_datalist(dataset_dir: str | Path, section: str, *, seed: int = 0, fold: int | None = None) -> list[Item]:
    """Labelled cases of one section.

    Training and validation: the lists of that name. Without a validation list, the training list is split by patient
    into five folds (``seed`` shuffles) and fold 0, a fifth of the patients, validates; ``fold`` chooses another fold of
    both lists. Folds given in the list are kept. Testing: the testing list; if it has no labelled case the cases of
    the validation section; if there are none, all labelled cases.

    Args:
        dataset_dir: a datalist or ``dataset.json`` file, a folder with one of them, or a folder in a layout of
            :mod:`monai_jdl.data.layouts`.
        section: ``training``, ``validation`` or ``testing``.
        seed: of the split.
        fold: validation fold.

    Returns:
        Items with ``image`` (absolute path, or list of paths), ``label`` (absolute path), ``case`` (unique, safe as a
        folder name), ``patient``, ``fold`` (-1 outside the folds), ``tasks``, ``label_scheme``.

    Raises:
        InputError: no such data or section, a patient in two sections, a missing file (in the testing section the
            reader reports it, so that the other cases are finished).
    """
    if section not in _SECTIONS:
        raise ValueError(f"section must be one of {sorted(_SECTIONS)}, got {section!r}")
    path = Path(dataset_dir).expanduser().absolute()
    sections = {name: [item for item in items if _labelled(item)] for name, items in _read(path).items()}
    if not any(sections.values()):
        raise InputError(f"{path} lists no case with a label map; training and evaluation need label maps.")
    split = hold_out_fold(path, sections, seed, fold)
    if section == "testing":
        chosen = split["testing"] or split["validation"]
        if not chosen:
            chosen = sections["training"]
            logger.warning("%s has no testing or validation list: all %d labelled cases are used.", path, len(chosen))
        return chosen
    if not split[section]:
        raise InputError(f"{path} leaves no labelled case for {section}; it takes cases of at least two patients.")
    for item in split[section]:
        for key in ("image", "label"):
            for file in [item[key]] if isinstance(item[key], str) else item[key]:
                if not Path(file).exists():
                    raise InputError(
                        f"{file}, the {key} of case {item['case']} in {path}, does not exist; check the path."
                    )
    return split[section]


def read_datalist(path: Path) -> dict[str, list[Item]]:
    """All items of a datalist file by section (``training``, ``validation``, ``testing``), unlabelled ones included.

    Raises:
        InputError: not such a file, or an item that cannot be used.
    """
    content = _json_dict(path)
    raw = {name: content.get(name) or content.get(short) or [] for name, short in _SECTIONS.items()}
    if not any(raw.values()):
        raise InputError(f"{path} lists no case; it needs a list named training, validation or testing.")
    for name, entries in raw.items():
        for entry in entries:
            if not isinstance(entry, str) and not (isinstance(entry, dict) and entry.get("image")):
                raise InputError(f"{path} has an entry without an image in {name}: {entry!r}; add its path.")
    return _items(path.parent, raw, content.get("label_scheme", "jdl"), path)


def write_datalist(path: str | Path, sections: Mapping[str, Iterable[Mapping[str, Any]]], label_scheme: str) -> Path:
    """Write ``datalist.json``, whole or not at all.

    Args:
        path: the file; absolute paths below its folder are written relative to it, so that the folder can be moved.
        sections: items by ``training``, ``validation``, ``testing``; ``image`` is needed, the rest as in the module's
            description, and further keys (numbers, text) are kept for the reader's information.
        label_scheme: ``jdl`` or ``emidec``.
    """
    path = Path(path).expanduser().absolute()
    check_output_dir(path.parent)
    content: dict[str, Any] = {"label_scheme": label_scheme}
    for name in _SECTIONS:
        content[name] = [
            {key: _relative(value, path.parent) if key in ("image", "label") else value for key, value in item.items()}
            for item in sections.get(name, [])
        ]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def check_shared_out(items: Sequence[Item], processes: int) -> None:
    """See that every process of a training on several devices gets a case; MONAI's sampler needs that.

    Raises:
        InputError: there are fewer cases than processes.
    """
    if len(items) < processes:
        raise InputError(
            f"The data list has {len(items)} cases to validate for {processes} processes; give at least one for each, or start"
            " fewer processes (--nproc_per_node)."
        )


def deal_folds(strata: Sequence[Iterable[str]], seed: int, folds: int = FOLDS) -> dict[str, int]:
    """Fold, from 0, of each patient: each stratum is shuffled by ``seed``, then all are dealt out in turn.

    Each fold thus has its share of every stratum, to within one patient.
    """
    rng = np.random.default_rng(seed)
    shuffled = [name for stratum in strata for name in rng.permutation(sorted(set(stratum)))]
    return {str(name): place % folds for place, name in enumerate(shuffled)}


def _json_dict(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as a datalist ({error}); it must be a JSON file.") from error
    if isinstance(content, list):
        content = {"training": content}
    if not isinstance(content, dict):
        raise InputError(f"{path} is no datalist; it must hold a list or lists named training, validation, testing.")
    return content


def _read(path: Path) -> dict[str, list[Item]]:
    if path.is_file():
        return read_datalist(path)
    if (path / "datalist.json").is_file():
        return read_datalist(path / "datalist.json")
    msd = path / "dataset.json"  # nnU-Net's file of this name lists no cases; its folders are read then
    if msd.is_file() and not {"training", "train"}.isdisjoint(_json_dict(msd)):
        return read_datalist(msd)
    sections, scheme = folder_sections(path)
    return _items(path, {name: sections.get(name, []) for name in _SECTIONS}, scheme, path)


def _items(root: Path, raw: Mapping[str, Sequence[str | Item]], scheme: str, source: Path) -> dict[str, list[Item]]:
    """Entries with absolute paths, names and defaults filled in."""
    entries = [{"image": entry} if isinstance(entry, str) else entry for name in _SECTIONS for entry in raw[name]]
    images = [_absolute(entry["image"], root) for entry in entries]
    firsts = [Path(image if isinstance(image, str) else image[0]) for image in images]
    parts = [first.relative_to(root).parts if first.is_relative_to(root) else first.parts[1:] for first in firsts]
    names = case_names(
        [
            [str(entry["case"])] if entry.get("case") else (*part[:-1], first.name if first.is_dir() else stem(first))
            for entry, part, first in zip(entries, parts, firsts, strict=True)
        ]
    )
    items = []
    for entry, image, case in zip(entries, images, names, strict=True):
        item: Item = {
            "image": image,
            "label": _absolute(entry["label"], root) if entry.get("label") else None,
            "case": case,
            "patient": str(entry.get("patient") or case),
            "fold": -1 if entry.get("fold") is None else int(entry["fold"]),
            "tasks": list(TASKS) if entry.get("tasks") is None else list(entry["tasks"]),
            "label_scheme": entry.get("label_scheme", scheme),
        }
        if item["label_scheme"] not in SCHEMES:
            known = " or ".join(SCHEMES)
            raise InputError(
                f"{source} names the label scheme '{item['label_scheme']}' for {case}; it must be {known}."
            )
        if not set(item["tasks"]) <= set(TASKS):
            raise InputError(f"{source} names the tasks {item['tasks']} for {case}; they must be among {list(TASKS)}.")
        items.append(item)
    rest = iter(items)
    return {name: [next(rest) for _ in raw[name]] for name in _SECTIONS}


def hold_out_fold(path: Path, sections: dict[str, list[Item]], seed: int, fold: int | None) -> dict[str, list[Item]]:
    """The sections as they are used, see :func:`load_datalist`; every item of training and validation has a fold.

    Args:
        path: of the list, for the messages.
        sections: items with ``patient`` and ``fold`` (-1 where none is given) by section.
        seed: of the folds, where none are given.
        fold: that validates; None keeps a validation section, else takes the lowest.

    Raises:
        InputError: a patient in two sections or folds, a fold for some items only, no such fold.
    """
    seen: dict[str, str] = {}
    for name, items in sections.items():
        for item in items:
            if seen.setdefault(item["patient"], name) != name:
                raise InputError(
                    f"{path} has patient '{item['patient']}' in both {seen[item['patient']]} and {name}; keep a patient in "
                    "one section."
                )
    pool = sections["training"] + sections["validation"]
    if all(item["fold"] < 0 for item in pool):
        dealt = deal_folds([(item["patient"] for item in pool)], seed)
        for item in pool:
            item["fold"] = dealt[item["patient"]]
    elif any(item["fold"] < 0 for item in pool):
        raise InputError(f"{path} gives a fold to some cases only; give one to all cases of training and validation.")
    by_patient: dict[str, int] = {}
    for item in pool:
        if by_patient.setdefault(item["patient"], item["fold"]) != item["fold"]:
            raise InputError(f"{path} has patient '{item['patient']}' in two folds; keep a patient in one fold.")
    if fold is None and (sections["validation"] or not pool):
        return sections
    folds = sorted({item["fold"] for item in pool})
    held_out = folds[0] if fold is None else fold
    if held_out not in folds:
        raise InputError(f"{path} has no case in fold {fold}; its folds are {', '.join(map(str, folds))}.")
    return {
        "training": [item for item in pool if item["fold"] != held_out],
        "validation": [item for item in pool if item["fold"] == held_out],
        "testing": sections["testing"],
    }


def _labelled(item: Item) -> bool:
    return item["label"] is not None and bool(item["tasks"])


def _absolute(value: str | Sequence[str], root: Path) -> str | list[str]:
    if isinstance(value, str):
        return str((root / Path(value).expanduser()).absolute())
    return [str((root / Path(path).expanduser()).absolute()) for path in value]


def _relative(value: Any, root: Path) -> Any:
    if isinstance(value, str | Path):
        return Path(value).relative_to(root).as_posix() if Path(value).is_relative_to(root) else str(value)
    return value
