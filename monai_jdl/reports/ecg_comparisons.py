"""Tables that an evaluation of ECGs is compared with: calls of people, and predictions of healthy controls."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from monai_jdl.data.sheets import MISSING, YES_NO, read_sheet
from monai_jdl.errors import InputError


def read_calls(path: str | Path, tasks: Sequence[str], cases: Collection[str]) -> list[dict[str, Any]]:
    """What people said of ECGs.

    Args:
        path: a table, see :func:`monai_jdl.data.sheets.read_sheet`, with the columns ``reader``, ``case`` and at least one of
            the tasks: 0, 1, yes, no, or empty where it was not read.
        tasks: names of columns.
        cases: that there are.

    Returns:
        A row for each reader and case: ``reader``, ``case`` and the tasks that are columns, 0.0, 1.0 or NaN.

    Raises:
        InputError: no such table, a column is missing, a cell is no call, a reader read an unknown case, or one twice.
    """
    rows = _rows(path, ("reader", "case"))
    read = [task for task in tasks if task in rows[0][1]]
    if not read:
        raise InputError(f"{path} has no column {' or '.join(tasks)}; add one with the calls, 0 or 1.")
    calls: list[dict[str, Any]] = []
    first: dict[tuple[str, str], int] = {}
    for number, row in rows:
        reader, case = row["reader"], row["case"]
        if not reader:
            raise InputError(f"{path}, row {number}, column reader: it is empty; write who made the call.")
        if case not in cases:
            raise InputError(
                f"{path}, row {number}, column case: {case!r} is not among the ECGs that are evaluated; write it as "
                "predictions.csv does, or remove the row."
            )
        if (before := first.setdefault((reader, case), number)) != number:
            raise InputError(f"{path}: {reader} read {case} in rows {before} and {number}; keep one of them.")
        for task in read:
            if row[task].lower() not in MISSING and row[task].lower() not in YES_NO:
                raise InputError(
                    f"{path}, row {number}, column {task}: {row[task]!r} is neither 0 nor 1; write 0, 1 or nothing."
                )
        calls.append(
            {"reader": reader, "case": case} | {task: float(YES_NO.get(row[task].lower(), math.nan)) for task in read}
        )
    return calls


def read_controls(path: str | Path, tasks: Sequence[str], model: str) -> list[dict[str, Any]]:
    """Probabilities of people who have nothing.

    Args:
        path: ``predictions.csv`` of an inference, with the columns ``case``, ``model_version`` and the tasks, and perhaps
            ``patient``; an ECG without a patient counts as one of its own.
        tasks: names of columns.
        model: fingerprint of the weights that predictions must be of.

    Returns:
        A row for each ECG: ``case``, ``patient`` and the tasks, NaN where the ECG was refused.

    Raises:
        InputError: no such table, a column is missing, a cell is no probability, or the predictions are another model's.
    """
    controls = []
    for number, row in _rows(path, ("case", *tasks, "model_version")):
        if row["model_version"] != model:
            raise InputError(
                f"{path}, row {number}, column model_version: this was predicted by the weights {row['model_version']}, and "
                f"the weights {model} are evaluated; classify the controls with these."
            )
        found = {task: _probability(f"{path}, row {number}, column {task}", row[task]) for task in tasks}
        controls.append({"case": row["case"], "patient": row.get("patient") or row["case"], **found})
    return controls


def _rows(path: str | Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Number, as a spreadsheet counts, and cells of the rows that are not empty; at least one."""
    if not Path(path).is_file():
        raise InputError(f"{path} does not exist; give a CSV file.")
    sheet = read_sheet(path)
    names = [_text(name).lower() for name in next(sheet, ())]
    if absent := [column for column in columns if column not in names]:
        raise InputError(
            f"{path} has no column {absent[0]}; its columns are {', '.join(names)}, and {', '.join(columns)} are expected."
        )
    filled = ((number, [_text(cell) for cell in cells]) for number, cells in enumerate(sheet, 2))
    rows = [
        (number, dict.fromkeys(names, "") | dict(zip(names, texts, strict=False)))
        for number, texts in filled
        if any(texts)
    ]
    if not rows:
        raise InputError(f"{path} has no row below the names of its columns; add a row per ECG.")
    return rows


def _probability(where: str, text: str) -> float:
    if text.lower() in MISSING:
        return math.nan
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise InputError(f"{where}: {text!r} is no probability; give the file as inference wrote it.")
    return value


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()
