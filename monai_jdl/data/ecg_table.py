"""ECGs for the bundles: those that a table lists, with labels and clinical features, or those of a folder."""

from __future__ import annotations

import csv
import itertools
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from monai_jdl.atomic import atomic_path
from monai_jdl.data.datalist import FOLDS, Item, deal_folds, hold_out_fold
from monai_jdl.data.ecg_loading import is_ecg_file
from monai_jdl.data.ecg_pages import is_found_picture
from monai_jdl.data.ecg_rows import ECGRow, names_ecgs, read_ecg_rows
from monai_jdl.data.files import case_names, find_files, stem
from monai_jdl.data.sheets import read_sheet
from monai_jdl.errors import InputError
from monai_jdl.networks import CLINICAL_FEATURES

logger = logging.getLogger(__name__)

_SECTIONS = ("training", "validation", "testing")
_TABLES = (".csv", ".tsv", ".xlsx")


def load_ecg_table(
    dataset_dir: str | Path | Sequence[str | Path],
    section: str,
    *,
    lvef_threshold: float = 50,
    lvef_rule: str = "lt",
    fold: int | None = None,
    seed: int = 0,
) -> list[Item]:
    """Labelled ECGs of one section of a table, whose columns are those of :mod:`monai_jdl.data.ecg_rows`.

    The column ``split`` tells the sections; ``fold`` divides training and validation anew. Where the table has neither, a
    fifth of the patients is for testing and a fifth of the others for validation, drawn from ``seed`` with the labels in
    proportion. Without rows for validation, a fold of the training rows validates; without rows for testing, the validation
    rows are tested. Rows without a label are left out.

    Args:
        dataset_dir: the table, or a folder with ``patients.csv``, ``patients.xlsx`` or one other such table. Of a list of
            these, the ECGs of all; cases are then numbered by table, for two tables may use the same file names. A patient's
            name stands for the same person in all of them.
        section: ``training``, ``validation`` or ``testing``.
        lvef_threshold: per cent, below which the left ventricle's function counts as reduced.
        lvef_rule: ``lt``, or ``le`` where an LVEF equal to the threshold is reduced, too (as in the mtecg study).
        fold: of training and validation rows, the one that validates.
        seed: of what is drawn.

    Returns:
        Items ``image`` (absolute path), ``case`` (unique, safe as a folder name), ``patient``, ``fold`` (-1 for testing),
        ``label`` (float32 [2]: scar, reduced LVEF; 0, 1, or NaN where missing), ``clinical`` (float32 [6], see
        :data:`monai_jdl.networks.CLINICAL_FEATURES`, NaN where missing) and ``row`` (the row's cells as text, by column name in
        lower case).

    Raises:
        InputError: no such table or section, no label, a cell that cannot be used, a patient in two sections, missing files (in
            the testing section: all files missing; else loading reports them, so that the other ECGs are finished).
    """
    if section not in _SECTIONS:
        raise ValueError(f"section must be one of {list(_SECTIONS)}, got {section!r}")
    if lvef_rule not in ("lt", "le"):
        raise InputError(f"The LVEF rule must be lt (<) or le (<=), not {lvef_rule!r}.")
    if not 0 < float(lvef_threshold) < 100:
        raise InputError(f"The LVEF threshold must be between 0 and 100 per cent, not {lvef_threshold}.")
    numbered = (
        [("", dataset_dir)]
        if isinstance(dataset_dir, str | Path)
        else [(f"{k}_", one) for k, one in enumerate(dataset_dir, 1)]
    )
    splits = [_split(one, prefix, float(lvef_threshold), lvef_rule, fold, seed) for prefix, one in numbered]
    _check_tables(splits)
    return [item for split in splits for item in _chosen(split, section, seed)]


class _Split(NamedTuple):
    """The labelled ECGs of a table by section, some of which may be empty; drawn where no column tells those for testing."""

    table: Path
    sections: dict[str, list[Item]]
    drawn: bool


def _split(path: str | Path, prefix: str, lvef_threshold: float, lvef_rule: str, fold: int | None, seed: int) -> _Split:
    """Deal the ECGs of a table; ``prefix`` is of their cases."""
    table = _table_of(Path(path).expanduser().absolute())
    rows = read_ecg_rows(table)
    _check_patients(table, rows)
    items = _items(table, rows, prefix)
    for item, row in zip(items, rows, strict=True):
        item["label"] = _label(row, lvef_threshold, lvef_rule)
        item["fold"] = -1 if row.section == "testing" else row.fold
    labelled = [(item, row) for item, row in zip(items, rows, strict=True) if not np.isnan(item["label"]).all()]
    if not labelled:
        raise InputError(
            f"{table} gives no ECG a label; training and evaluation need a column scar (0 or 1) or lvef (per cent), and its "
            f"columns are {', '.join(rows[0].cells)}."
        )
    if len(labelled) < len(rows):
        logger.info("%s: %d of %d rows have no label and are left out.", table, len(rows) - len(labelled), len(rows))
    drawn = all(not row.section and row.fold < 0 for row in rows)
    held_out = _deal(labelled, seed) if drawn else {}
    sections: dict[str, list[Item]] = {name: [] for name in _SECTIONS}
    for item, row in labelled:
        sections["testing" if held_out.get(item["patient"]) == 0 else row.section or "training"].append(item)
    if all(item["fold"] < 0 for item in sections["training"] + sections["validation"]):
        tested = {item["patient"] for item in sections["testing"]}
        folds = _deal([(item, row) for item, row in labelled if item["patient"] not in tested], seed)
        for item in sections["training"] + sections["validation"]:
            item["fold"] = folds[item["patient"]]
    return _Split(table, hold_out_fold(table, sections, seed, fold), drawn)


def _chosen(split: _Split, section: str, seed: int) -> list[Item]:
    """The ECGs of one section, whose files are there."""
    table, sections, drawn = split
    chosen = sections[section]
    if section == "testing" and drawn and chosen:
        logger.warning(
            "%s has no column split: a fifth of its patients, drawn with seed %d, is tested (%d of %d ECGs); write test into "
            "a column split to test on all.",
            *(table, seed, len(chosen), sum(map(len, sections.values()))),
        )
    if section == "testing" and not chosen and sections["validation"]:
        chosen = sections["validation"]
        logger.warning(
            "%s has no ECG for testing: its %d ECGs for validation are scored. If the network was trained on this table, its "
            "weights and thresholds were chosen on them, and the scores look better than they are.",
            *(table, len(chosen)),
        )
    if not chosen:
        raise InputError(f"{table} leaves no ECG with a label for {section}; it takes ECGs of at least three patients.")
    _check_files(table, chosen, some_may_be_missing=section == "testing")
    return chosen


def find_ecgs(dataset_dir: str | Path) -> list[Item]:
    """ECGs to classify; labels are not needed.

    Args:
        dataset_dir: a table or a folder with one, see :func:`load_ecg_table`, of which the testing rows are taken, or all rows
            where there are none; else a folder with pages (pictures, PDF, DICOM) and records (WFDB, DICOM, CSV), nested at
            will; or one such file.

    Returns:
        Items ``image``, ``case``, ``patient``, ``clinical`` as of :func:`load_ecg_table` and, from a table, ``row``.

    Raises:
        InputError: nothing is there, nothing is an ECG, or a table cannot be used.
    """
    path = Path(dataset_dir).expanduser().absolute()
    table = _find_table(path)
    if table is not None:
        rows = read_ecg_rows(table)
        tested = [row for row in rows if row.section == "testing"]
        if 0 < len(tested) < len(rows):
            logger.info("%s: its %d rows for testing of %d are classified.", table, len(tested), len(rows))
        rows = tested or rows
        items = _items(table, rows)
        _check_files(table, items, some_may_be_missing=True)
        return items
    if path.with_name(f"{path.name}.hea").exists():
        files = [path]
    else:
        files = find_files(path, _is_input, "ECG", "picture, PDF, DICOM, WFDB header or CSV of leads")
    root = path if path.is_dir() else path.parent
    unknown = np.full(len(CLINICAL_FEATURES), np.nan, np.float32)
    return [
        {"image": str(file), "case": case, "patient": case, "clinical": unknown.copy()}
        for file, case in zip(files, _cases(root, files), strict=True)
    ]


def write_ecg_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write a table, whole or not at all.

    Args:
        path: the CSV file.
        rows: cells by column; all have the columns of the first.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["path", "patient"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def deal_patients(labels: Iterable[tuple[str, ArrayLike]], seed: int, folds: int) -> dict[str, int]:
    """Fold of each patient, with the labels in proportion.

    Args:
        labels: patient and labels of each ECG, NaN where missing. A patient has what one of the ECGs has.
        seed: of the draw.
        folds: how many.
    """
    by_patient: dict[str, np.ndarray] = {}
    for patient, of_ecg in labels:
        known = np.nan_to_num(np.asarray(of_ecg, float), nan=-1.0)
        by_patient[patient] = np.maximum(known, by_patient.get(patient, known))
    strata: dict[tuple[float, ...], list[str]] = {}
    for patient, of_patient in by_patient.items():
        strata.setdefault(tuple(of_patient), []).append(patient)
    return deal_folds([strata[key] for key in sorted(strata)], seed, folds)


def _deal(ecgs: Iterable[tuple[Item, ECGRow]], seed: int) -> dict[str, int]:
    """Fold of each patient; the rule of LVEF has no part in it, so that a patient is tested or trained on under any rule."""
    return deal_patients(((item["patient"], _label(row, 50, "lt")) for item, row in ecgs), seed, FOLDS)


def _table_of(path: Path) -> Path:
    table = path if path.is_file() else _find_table(path)
    if table is None or table.suffix.lower() not in _TABLES:
        problem = (
            "is no table of ECGs" if path.is_file() else "holds no table of ECGs" if path.exists() else "does not exist"
        )
        raise InputError(
            f"{path} {problem}; give a CSV with the columns path, patient, scar, lvef and split, or its folder."
        )
    return table


def _find_table(path: Path) -> Path | None:
    """The table that ``path`` is or holds; None where there is none."""
    if path.is_file():
        return path if path.suffix.lower() == ".xlsx" or _is_table(path) else None
    for name in ("patients.csv", "patients.xlsx"):
        if (path / name).is_file():
            return path / name
    found = [file for file in sorted(path.glob("[!.]*")) if _is_table(file)]
    if len(found) > 1:
        raise InputError(f"{path} holds the tables {found[0].name} and {found[1].name}; give the one that is meant.")
    return found[0] if found else None


def _is_table(file: Path) -> bool:
    if file.suffix.lower() not in _TABLES or not file.is_file():
        return False
    try:
        return names_ecgs(next(read_sheet(file), ()))
    except InputError:  # a CSV of signals may be in any encoding
        return False


def _is_input(file: Path) -> bool:
    return is_ecg_file(file) and not is_found_picture(file)


def _cases(root: Path, files: Sequence[Path]) -> list[str]:
    """Unique names by the paths below ``root``."""
    parts = [file.relative_to(root).parts if file.is_relative_to(root) else file.parts[1:] for file in files]
    return case_names([(*folders[:-1], stem(file)) for folders, file in zip(parts, files, strict=True)])


def _items(table: Path, rows: Sequence[ECGRow], prefix: str = "") -> list[Item]:
    cases = [f"{prefix}{case}" for case in _cases(table.parent, [Path(row.image) for row in rows])]
    return [
        {
            "image": row.image,
            "case": case,
            "patient": row.patient or case,
            "clinical": np.array(row.clinical, np.float32),
            "row": row.cells,
        }
        for row, case in zip(rows, cases, strict=True)
    ]


def _label(row: ECGRow, threshold: float, rule: str) -> np.ndarray:
    reduced = row.lvef <= threshold if rule == "le" else row.lvef < threshold
    return np.array([row.scar, math.nan if math.isnan(row.lvef) else reduced], np.float32)


def _check_patients(table: Path, rows: Sequence[ECGRow]) -> None:
    """A patient's ECGs are alike: a network that is tested on a patient of its training looks better than it is."""
    unknown = sum(not row.patient for row in rows)
    if unknown:
        logger.warning(
            "%s: %d of %d rows name no patient, and each counts as a patient of its own; a patient with several ECGs may be "
            "trained and tested on, and results then look better than they are; write a column patient.",
            *(table, unknown, len(rows)),
        )
    by_patient = sorted((row for row in rows if row.patient), key=lambda row: row.patient)
    torn = []
    for patient, group in itertools.groupby(by_patient, key=lambda row: row.patient):
        first, *others = group
        other = next((row for row in others if row.section != first.section), None)
        if other is not None:
            torn.append(f"{patient} (row {first.number} {first.section}, row {other.number} {other.section})")
    if torn:
        shown = ", ".join(torn[:3]) + (f" and {len(torn) - 3} more" if len(torn) > 3 else "")
        raise InputError(
            f"{table}, column split: a patient is in two splits, {shown}; give all ECGs of a patient one split."
        )


def _check_tables(splits: Sequence[_Split]) -> None:
    """The same of several tables, e.g. of one patient's pages in two layouts."""
    seen: dict[str, tuple[str, Path]] = {}
    for table, sections, _ in splits:
        for section, items in sections.items():
            for item in items:
                before, elsewhere = seen.setdefault(item["patient"], (section, table))
                if before != section:
                    raise InputError(
                        f"Patient {item['patient']} is for {before} in {elsewhere} and for {section} in {table}; give all "
                        "ECGs of a patient one split in a column split, and different people different names."
                    )


def _check_files(table: Path, items: Sequence[Item], *, some_may_be_missing: bool) -> None:
    paths = [Path(item["image"]) for item in items]
    missing = [path for path in paths if not path.exists() and not path.with_name(f"{path.name}.hea").exists()]
    if missing and not (some_may_be_missing and len(missing) < len(items)):
        raise InputError(
            f"{len(missing)} of {len(items)} ECGs that {table} lists do not exist, the first of them {missing[0]}; paths are "
            "relative to the table."
        )
