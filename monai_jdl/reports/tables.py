"""Tables and other small files, written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_jdl.analysis import finite
from monai_jdl.atomic import atomic_path
from monai_jdl.errors import InputError


def write_text(path: str | Path, text: str) -> Path:
    """Write ``text`` as UTF-8, the whole file or nothing; missing folders are made.

    Raises:
        InputError: the folder cannot be written.
    """
    path = Path(path)
    try:
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); choose an output folder that you may write to."
        ) from error
    return path


def write_csv(path: str | Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Path:
    """Write ``rows`` as CSV with a header; floats to six digits, NaN, None and absent values as empty cells.

    Raises:
        InputError: the folder cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return write_text(path, text.getvalue())


def write_json(path: str | Path, tree: Any) -> Path:
    """Write ``tree`` as JSON; NaN and infinity become null.

    Raises:
        InputError: the folder cannot be written.
    """
    return write_text(path, json.dumps(finite(tree), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_csv(path: str | Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header as :func:`write_csv` writes it, cells as text.

    Raises:
        InputError: there is no such file, or it is not in UTF-8.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); has the run that writes it finished?") from error
    except UnicodeError as error:
        raise InputError(f"{path}: is not in UTF-8; take the file as the run wrote it.") from error


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """``rows`` as lines of text in columns, for the terminal; the first row's keys are the columns."""
    lines = [list(rows[0]), *([str(_cell(value)) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _cell(value: Any) -> Any:
    value = finite(value)
    return f"{value:.6g}" if isinstance(value, float) else value
