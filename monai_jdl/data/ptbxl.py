"""PTB-XL (Wagner et al., Sci Data 2020, 7, 154; PhysioNet) as a table of ECGs, with infarction in the place of scar."""

from __future__ import annotations

import ast
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from monai_jdl.data.ecg_table import deal_patients, write_ecg_table
from monai_jdl.data.files import check_output_dir
from monai_jdl.data.sheets import read_sheet
from monai_jdl.errors import InputError

logger = logging.getLogger(__name__)

INJURY_CODES = frozenset(("INJAS", "INJAL", "INJIN", "INJLA", "INJIL"))
"""SCP-ECG statements of subendocardial injury, which is acute."""
INFARCTION_CODES = INJURY_CODES | {"IMI", "ASMI", "ILMI", "AMI", "ALMI", "LMI", "IPLMI", "IPMI", "PMI"}
"""SCP-ECG statements of the diagnostic superclass MI (``diagnostic_class`` in the data set's ``scp_statements.csv``)."""
_CONDUCTION = {"CLBBB": "LBBB", "CRBBB": "RBBB", "IVCD": "IVCD", "WPW": "WPW"}
_NEEDED = ("ecg_id", "scp_codes", "strat_fold", "filename_hr", "filename_lr", "age", "sex")
_OVER_89, _OLDEST = 300, 90
_SHARES, _TESTING, _VALIDATION = 20, (0, 4, 8, 12, 16), (2, 9, 15)
"""25 and 15 %, spread, so that the rest of a label that does not fill all shares is divided in proportion, too."""


def prepare_ptbxl(folder: str | Path, output: str | Path, seed: int = 0) -> Path:
    """Write ``OUT/patients.csv`` for PTB-XL in its official layout; the records stay where they are.

    ``scar`` is 1 where a statement of the superclass MI is made, of any likelihood (0 means "unknown" in this data set). It is
    what cardiologists read in the ECG, not scar seen by MR: a network trained on it learns to agree with them. The superclass
    holds infarction of every stadium, and acute injury (:data:`INJURY_CODES`), too; none of them is left out. The columns
    ``injury_alone`` (1 where no statement but injury makes the label) and ``infarction_stadium1`` (as in the data set; its
    ``Stadium I`` is the acute one) tell them apart. There is no LVEF.

    Age 300, which stands for "over 89", becomes 90. ``conduction`` is ``LBBB`` or ``RBBB`` (complete ones), ``IVCD``, ``WPW``
    or ``normal``, by the statements; ``scp_codes`` are all of them.

    The split is the one that the data set recommends, where its folds are there: 1 to 8 train, 9 validates, 10 tests. Of other
    folds, 60, 15 and 25 % of the patients are drawn, with infarction in proportion.

    Args:
        folder: holds ``ptbxl_database.csv`` and the records that it names. Of each, the one of the higher rate is taken if it
            is there; an ECG without a record is left out.
        output: folder to write to. Paths of records inside it are relative to it, others absolute.
        seed: of a drawn split.

    Returns:
        The path of ``patients.csv``.

    Raises:
        InputError: there is no such data set, or none of its records; a cell that cannot be used; ``output`` cannot be written.
    """
    folder, out = Path(folder).expanduser().absolute(), Path(output).expanduser().absolute()
    database = folder / "ptbxl_database.csv"
    rows = list(_rows(database))
    table = [row for row in tqdm(rows, "PTB-XL records") if _find_record(row, folder, out)]
    if not table:
        raise InputError(
            f"{folder} holds none of the {len(rows)} records that {database.name} names; unpack them there."
        )
    if len(table) < len(rows):
        logger.warning(
            "%s: %d of %d records are not there and are left out.", folder, len(rows) - len(table), len(rows)
        )
    _split(table, seed)
    check_output_dir(out)
    return write_ecg_table(out / "patients.csv", table)


def _rows(database: Path) -> Iterator[dict[str, Any]]:
    """The ECGs as rows of the table; ``path`` holds the names of the records, the better one first."""
    if not database.is_file():
        raise InputError(f"{database} does not exist; give the folder of the unpacked PTB-XL data set.")
    sheet = read_sheet(database)
    names = list(next(sheet, ()))
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(f"{database} lacks the column {missing[0]} of PTB-XL; give the data set as it was published.")
    if "patient_id" not in names:
        logger.warning(
            "%s names no patients: each ECG counts as a patient of its own, and a patient with several ECGs may be trained and "
            "tested on.",
            database,
        )
    for number, values in enumerate(sheet, 2):
        cells = dict(zip(names, values, strict=False))
        try:
            codes = set(ast.literal_eval(cells["scp_codes"]))
            age = float(cells["age"] or "nan")
            ecg, patient, fold = (int(float(cells[name])) for name in _id_columns(cells))
            female = {"0": 0, "1": 1, "": ""}[cells["sex"].removesuffix(".0")]
        except (KeyError, ValueError, SyntaxError, TypeError) as error:
            raise InputError(
                f"{database}, row {number}: it is not as in PTB-XL ({type(error).__name__}: {error}); give the data set as it "
                "was published."
            ) from error
        infarction = codes & INFARCTION_CODES
        yield {
            "path": (cells["filename_hr"], cells["filename_lr"]),
            "patient": patient,
            "split": "",
            "scar": int(bool(infarction)),
            "lvef": "",
            "age": "" if math.isnan(age) else f"{_OLDEST if age == _OVER_89 else age:g}",
            "female": female,
            "ecg_id": ecg,
            "strat_fold": fold,
            "injury_alone": int(bool(infarction) and infarction <= INJURY_CODES),
            "infarction_stadium1": cells.get("infarction_stadium1", ""),
            "conduction": next((kind for code, kind in _CONDUCTION.items() if code in codes), "normal"),
            "scp_codes": " ".join(sorted(codes)),
        }


def _id_columns(cells: dict[str, Any]) -> Sequence[str]:
    return ("ecg_id", "patient_id" if cells.get("patient_id") else "ecg_id", "strat_fold")


def _find_record(row: dict[str, Any], folder: Path, out: Path) -> bool:
    """Whether a record of the row is there; ``path`` becomes that of its header."""
    for name in filter(None, row["path"]):
        header = folder / f"{name}.hea"
        if header.is_file():
            row["path"] = header.relative_to(out).as_posix() if header.is_relative_to(out) else str(header)
            return True
    return False


def _split(table: list[dict[str, Any]], seed: int) -> None:
    recommended = [
        "test" if row["strat_fold"] == 10 else "validation" if row["strat_fold"] == 9 else "train" for row in table
    ]
    if len(set(recommended)) == 3:
        for row, split in zip(table, recommended, strict=True):
            row["split"] = split
        return
    share = deal_patients(((str(row["patient"]), [row["scar"]]) for row in table), seed, _SHARES)
    for row in table:
        place = share[str(row["patient"])]
        row["split"] = "test" if place in _TESTING else "validation" if place in _VALIDATION else "train"
