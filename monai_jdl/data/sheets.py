"""Tables that people keep in spreadsheets: CSV in the dialects that exports come in, and xlsx."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monai_jdl.errors import InputError

MISSING = {"", "nan", "na", "n/a", "null", "none", "-", "."}
"""What stands in a cell, in lower case, of which nothing is known."""
YES_NO = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "y"), True),
    **dict.fromkeys(("0", "0.0", "false", "no", "n"), False),
}
"""What stands in a cell, in lower case, that is known to be so or not so."""


def read_sheet(path: str | Path) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, one by one, empty ones included: the n-th is the n-th row that a spreadsheet shows.

    Args:
        path: ``.xlsx`` (its active sheet; needs openpyxl, extra ``tables``); any other name is read as CSV in UTF-8, with or
            without byte order mark, its columns separated by the comma, semicolon or tab that the first row has most of.

    Yields:
        The cells: text from a CSV; text, numbers, dates or None from a workbook.

    Raises:
        InputError: the file cannot be read as such a table; openpyxl is not installed.
    """
    path = Path(path)
    yield from _read_workbook(path) if path.suffix.lower() == ".xlsx" else _read_csv(path)


def _read_csv(path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            if "\0" in first:
                raise UnicodeError("zeros of UTF-16")
            delimiter = max(",;\t", key=first.count)
            file.seek(0)
            yield from (tuple(row) for row in csv.reader(file, delimiter=delimiter, strict=True))
    except UnicodeError as error:
        raise InputError(f"{path} is not in UTF-8; save it as 'CSV UTF-8' or as .xlsx.") from error
    except (csv.Error, OSError) as error:
        raise InputError(f"{path} cannot be read as CSV ({error}); save it again as 'CSV UTF-8'.") from error


def _read_workbook(path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        import openpyxl
    except ImportError as error:
        raise InputError(f"{path} needs openpyxl (pip install monai_jdl[tables]), or save it as .csv.") from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises many kinds for files that are no workbook
        raise InputError(f"{path} cannot be read as .xlsx ({error}); save it as .xlsx or .csv.") from error
    try:
        yield from book.active.iter_rows(values_only=True)
    finally:
        book.close()
