"""The rows of a table of ECGs: which file, whose, with what labels and clinical features.

Columns are found by name, without case, spaces and punctuation; the names that the mtecg study uses are understood, too
(:data:`COLUMNS`). Everything that cannot be used is refused with file, row as a spreadsheet counts it, and column.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from monai_jdl.data.ecg_loading import is_ecg_file
from monai_jdl.data.files import folder_files, stem
from monai_jdl.data.sheets import MISSING, YES_NO, read_sheet
from monai_jdl.errors import InputError
from monai_jdl.networks import CLINICAL_FEATURES

COLUMNS = {
    "path": ("path",),
    "file_name": ("file_name",),
    "run_num": ("run_num",),
    "patient": ("patient", "patient_id"),
    "scar": ("scar", "scar_cad"),
    "lvef": ("lvef",),
    "split": ("split",),
    "fold": ("fold",),
    "age": ("age",),
    "female": ("female", "female_gender", "sex", "gender"),
    "diabetes": ("diabetes", "dm"),
    "hypertension": ("hypertension", "ht"),
    "smoke": ("smoke",),
    "dyslipidemia": ("dyslipidemia", "dlp"),
    "year": ("year",),
    "train_80_percent": ("train_80_percent",),
    "develop_10_percent": ("develop_10_percent",),
}
"""What a table may say, and the names of the column that says it."""
_SEX_WORDS = {"m": False, "male": False, "f": True, "female": True}
_SPLITS = {
    **dict.fromkeys(("train", "training"), "training"),
    **dict.fromkeys(("dev", "develop", "development", "val", "valid", "validate", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "testing"),
}
_AGES, _YEARS, _PERCENT = (0, 120), (1900, 2100), (0, 100)


@dataclass(frozen=True)
class ECGRow:
    """One ECG of a table.

    Attributes:
        number: of the row, as a spreadsheet counts: the names are row 1.
        image: absolute path of the page or record; it may be missing.
        patient: empty where the table does not say.
        scar: 0 or 1. ``lvef``: per cent. ``clinical``: of :data:`monai_jdl.networks.CLINICAL_FEATURES`, age in years, the
            others 0 or 1. NaN where the table does not say.
        section: ``training``, ``validation``, ``testing``, or empty where the table does not say.
        fold: -1 where the table does not say.
        cells: all of the row's cells as text, by column name in lower case.
    """

    number: int
    image: str
    patient: str
    scar: float
    lvef: float
    clinical: tuple[float, ...]
    section: str
    fold: int
    cells: dict[str, str]


def read_ecg_rows(path: Path) -> list[ECGRow]:
    """The rows of a table, at least one.

    Args:
        path: a CSV or ``.xlsx``, see :func:`monai_jdl.data.sheets.read_sheet`.

    Raises:
        InputError: no such file, no table, no column for the file, a cell that cannot be used, an ECG that is listed twice.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the CSV file that lists the ECGs.")
    sheet = read_sheet(path)
    names = [_text(name) for name in next(sheet, ())]
    if not any(names):
        raise InputError(f"{path} is empty; its first row must name the columns: path, patient, scar, lvef, split.")
    table = _Table(path, names)
    rows = []
    for number, cells in enumerate(sheet, 2):
        texts = [_text(cell) for cell in cells]
        if any(texts[len(names) :]):
            raise InputError(
                f"{path}, row {number}: it has {len(texts)} cells, but only {len(names)} columns have a name; write decimals "
                "with a point, or separate the columns with semicolons."
            )
        if any(texts):
            rows.append(table.row(number, dict(zip(names, texts, strict=False))))
    if not rows:
        raise InputError(f"{path} has no row below the names of its columns; add a row per ECG.")
    _check(path, rows)
    return rows


def names_ecgs(names: Sequence[Any]) -> bool:
    """Whether these column names are those of a table of ECGs: the file, and something that is known of it.

    A table of predictions, which names the model, is none.
    """
    keys = {_key(_text(name)) for name in names}
    known = {column for column, aliases in COLUMNS.items() if keys & {_key(alias) for alias in aliases}}
    return bool(known & {"path", "file_name"}) and len(known) > 1 and "modelversion" not in keys


class _Table:
    """Finds the columns of a table and reads its rows."""

    def __init__(self, path: Path, names: list[str]) -> None:
        self.path = path
        self.columns: dict[str, str] = {}
        for column, aliases in COLUMNS.items():
            found = [name for name in names if _key(name) in {_key(alias) for alias in aliases}]
            if len(found) > 1:
                raise InputError(
                    f"{path} says {column} in the columns '{found[0]}' and '{found[1]}'; remove one of them."
                )
            if found:
                self.columns[column] = found[0]
        if not {"path", "file_name"} & set(self.columns):
            raise InputError(
                f"{path} has no column path (nor file_name) that says where the ECGs are; its columns are "
                f"{', '.join(name for name in names if name)}, and path, patient, scar, lvef, split are expected."
            )
        self.by_year = {"year", "train_80_percent", "develop_10_percent"} <= set(self.columns)

    def row(self, number: int, cells: dict[str, str]) -> ECGRow:
        said = _Cells(self.path, number, self.columns, cells)
        section = said.section()
        if not section and self.by_year and "split" not in self.columns:
            section = said.section_by_year()
        fold = said.number("fold", (0, math.inf), "a number from 0")
        return ECGRow(
            number,
            self._image(said),
            said.text("patient"),
            said.binary("scar"),
            said.number("lvef", _PERCENT, "per cent, 0 to 100"),
            tuple(
                said.number("age", _AGES, "years, 0 to 120") if feature == "age" else said.binary(feature)
                for feature in CLINICAL_FEATURES
            ),
            section,
            -1 if math.isnan(fold) else int(fold),
            {name.lower(): text for name, text in cells.items() if name},
        )

    def _image(self, said: _Cells) -> str:
        folder = self.path.parent
        if "path" in self.columns:
            path = said.text("path").replace("\\", "/")
            if not path:
                raise said.error("path", "is empty; write the path of the ECG, or remove the row")
            return str((folder / Path(path).expanduser()).absolute())
        name, run = said.text("file_name"), re.sub(r"\.0+$", "", said.text("run_num"))
        if not name:
            raise said.error("file_name", "is empty; write the name of the ECG, or remove the row")
        found = self._files.get(f"{name}_{run}" if run else name, [])
        if len(found) > 1:
            raise said.error("file_name", f"is {found[0]} and {found[1]}; keep one, or write a column path")
        return str(found[0] if found else folder / f"{name}_{run}.*")

    @cached_property
    def _files(self) -> Mapping[str, list[Path]]:
        """The ECGs in the table's folder and below by their name without suffix."""
        found: dict[str, list[Path]] = {}
        for file in folder_files(self.path.parent):
            if is_ecg_file(file):
                found.setdefault(stem(file), []).append(file)
        return found


class _Cells:
    """One row; what its cells say, checked."""

    def __init__(self, path: Path, number: int, columns: Mapping[str, str], cells: Mapping[str, str]) -> None:
        self.path, self.row, self.columns, self.cells = path, number, columns, cells

    def text(self, column: str) -> str:
        text = self.cells.get(self.columns.get(column, ""), "")
        return "" if text.lower() in MISSING else text

    def error(self, column: str, problem: str) -> InputError:
        text = self.text(column)
        return InputError(
            f"{self.path}, row {self.row}, column {self.columns[column]}: "
            + (f"'{text}' " if text else "it ")
            + f"{problem}."
        )

    def number(self, column: str, limits: tuple[float, float], wanted: str) -> float:
        text = self.text(column)
        if not text:
            return math.nan
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            raise self.error(column, f"is no number; write {wanted}") from None
        if not limits[0] <= number <= limits[1]:
            raise self.error(column, f"cannot be; write {wanted}")
        return number

    def binary(self, column: str) -> float:
        text = self.text(column).lower()
        if not text:
            return math.nan
        if column == "female":
            if text in _SEX_WORDS:
                return float(_SEX_WORDS[text])
            if _key(self.columns[column]) in ("sex", "gender"):
                raise self.error(column, "is neither m nor f; write m or f, or name the column female and write 1 or 0")
        if text not in YES_NO:
            raise self.error(column, "is neither 0 nor 1; write 0, 1, yes, no or nothing")
        return float(YES_NO[text])

    def section(self) -> str:
        text = re.sub(r"^(old|new)[ _-]*", "", self.text("split").lower())
        if text and text not in _SPLITS:
            raise self.error("split", "is no split; write train, validation or test")
        return _SPLITS.get(text, "")

    def section_by_year(self) -> str:
        """The mtecg study's split by year and page format, which changed in 2017."""
        year = self.number("year", _YEARS, "the year of the Gregorian calendar")
        if math.isnan(year):
            raise self.error("year", "is empty; write the year, or write a column split")
        if year < 2017:
            return {2015: "validation", 2016: "testing"}.get(int(year), "training")
        if self.binary("train_80_percent") == 1:
            return "training"
        return "validation" if self.binary("develop_10_percent") == 1 else "testing"


def _check(path: Path, rows: list[ECGRow]) -> None:
    """What no single row can tell."""
    listed: dict[str, ECGRow] = {}
    for row in rows:
        first = listed.setdefault(row.image, row)
        if first is not row:
            raise InputError(f"{path} lists {row.image} in rows {first.number} and {row.number}; list each ECG once.")
    known = [row.lvef for row in rows if not math.isnan(row.lvef)]
    if known and max(known) <= 1:
        raise InputError(f"{path} has no LVEF above 1; write the column lvef in per cent, 55 and not 0.55.")
    without = [row.number for row in rows if not row.section]
    if 0 < len(without) < len(rows):
        raise InputError(
            f"{path}, row {without[0]}: it has no split, but other rows do; write train, validation or test in each row."
        )


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
