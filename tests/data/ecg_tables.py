"""Tables of ECGs for the tests."""

from __future__ import annotations

import pytest

from monai_jdl.data import load_ecg_table
from monai_jdl.errors import InputError

COLUMNS = [
    "path",
    "patient",
    "split",
    "scar",
    "lvef",
    "age",
    "female",
    "diabetes",
    "hypertension",
    "smoke",
    "dyslipidemia",
]
ROWS = [
    ["pages/a.png", "A", "train", "1", "50", "71.5", "1", "0", "1", "0", "1"],
    ["pages/b.png", "B", "train", "0", "49.9", "", "0", "", "", "", ""],
    ["pages/c.png", "C", "validation", "0", "", "60", "1", "0", "0", "0", "0"],
    ["pages/d.png", "D", "test", "", "40", "60", "1", "0", "0", "0", "0"],
]


def files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def table(folder, rows=ROWS, columns=COLUMNS, name="patients.csv", separator=",", encoding="utf-8", make=True):
    """A CSV, and an empty file for each path in it."""
    lines = [separator.join(map(str, line)) for line in (columns, *rows)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding=encoding)
    if make and "path" in columns:
        files(folder, *(row[columns.index("path")] for row in rows if row[columns.index("path")]))
    return folder / name


def many(patients, ecgs=1, scar=lambda patient: patient % 4 == 0):
    return [
        [f"{p}_{e}.png", f"P{p}", int(scar(p)), 60 if p % 3 else 35] for p in range(patients) for e in range(ecgs)
    ]  # fmt: skip


def patients_of(items):
    return {item["patient"] for item in items}


def refused(folder, *words, section="training", **options):
    with pytest.raises(InputError) as caught:
        load_ecg_table(folder, section, **options)
    sentence = str(caught.value)
    assert str(folder) in sentence or options, sentence
    assert sentence.endswith(".") and "\n" not in sentence
    for word in words:
        assert word in sentence
    return sentence
