"""Simulated ECGs, alone or with their LGE stacks, as data sets on disk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cardiac_transforms.ecg.leads import LAYOUTS
from monai_jdl.data.ecg_table import write_ecg_table
from monai_jdl.data.ecg_wfdb import write_wfdb
from monai_jdl.data.files import check_output_dir
from monai_jdl.data.page_files import write_page_image
from monai_jdl.data.phantom_files import write_phantoms
from monai_jdl.phantoms import random_header, random_style, render_page
from monai_jdl.phantoms.draws import generator
from monai_jdl.phantoms.ecg import ECGCase
from monai_jdl.phantoms.lge import LGECase
from monai_jdl.phantoms.twin import TwinCase

_ROUNDED = {"lvef": 1, "scar_percent": 3, "heart_rate": 1, "qrs_duration": 1, "qrs_axis": 1, "pr": 1, "qt": 1}


def write_ecg_phantoms(out: str | Path, cases: Mapping[str, Iterable[ECGCase]], *, pages: bool = False) -> Path:
    """Write simulated ECGs one by one, as they come.

    Layout: ``ecg/<case>.hea`` and ``.dat`` (WFDB), with ``pages`` also ``pages/<case>.png``, and ``patients.csv``: ``path``
    (of the page where there is one, else of the header, relative to ``out``), ``patient``, ``split``, the labels ``scar`` and
    ``lvef``, the clinical features, and the rest of the truth: ``kind``, ``scar_percent``, scar in each AHA segment,
    conduction, intervals, and the leads that scar changes. The case is ``phantom_<seed>``. The same cases give the same bytes.

    Args:
        out: folder.
        cases: ECGs by section: ``training``, ``validation``, ``testing``.
        pages: whether to print each ECG on a page of drawn layout and look.

    Returns:
        The path of ``patients.csv``.

    Raises:
        InputError: ``out`` cannot be written.
    """
    out = check_output_dir(out)
    rows = []
    for section, records in cases.items():
        rows += [_write_ecg(out, case, section, pages) for case in tqdm(records, f"{section} ECGs")]
    return write_ecg_table(out / "patients.csv", rows)


def write_twin_phantoms(
    out: str | Path, cases: Mapping[str, Iterable[TwinCase]], *, file_format: str = "nifti", pages: bool = False
) -> Path:
    """Write twins: the LGE stacks as :func:`write_phantoms` does, the ECGs as :func:`write_ecg_phantoms` does.

    ``patients.csv`` and ``datalist.json`` name the same patients.

    Args:
        out: folder.
        cases: patients by section: ``training``, ``validation``, ``testing``.
        file_format: of the stacks, ``nifti`` or ``dicom``.
        pages: whether to print each ECG on a page.

    Returns:
        The path of ``patients.csv``.

    Raises:
        InputError: ``out`` cannot be written.
        ValueError: unknown format.
    """
    out = check_output_dir(out)
    rows = []

    def stacks(section: str, twins: Iterable[TwinCase]) -> Iterator[LGECase]:
        for twin in twins:
            rows.append(_write_ecg(out, twin.ecg, section, pages))
            yield twin.lge

    write_phantoms(out, {section: stacks(section, twins) for section, twins in cases.items()}, file_format=file_format)
    return write_ecg_table(out / "patients.csv", rows)


def _write_ecg(out: Path, case: ECGCase, section: str, page: bool) -> dict[str, Any]:
    """Write one record (and its page); returns the patient's row."""
    name = f"phantom_{case.seed}"
    clinical = asdict(case.clinical)
    comments = (f"age: {clinical['age']:.0f}", f"sex: {'female' if clinical['female'] else 'male'}", "simulated")
    path = write_wfdb(out / "ecg" / name, case.signals, case.rate, comments=comments)
    if page:
        path = out / "pages" / f"{name}.png"
        rng = generator(case.seed, "ecg page")
        layout = list(LAYOUTS)[int(rng.integers(len(LAYOUTS)))]
        style = random_style(rng, layout=layout)
        printed = render_page(case.signals, case.rate, layout=layout, style=style, header=random_header(rng))
        write_page_image(path, printed.image, style.dpi)
    truth = {column: getattr(case, column) for column in ("heart_rate", "qrs_duration", "qrs_axis", "pr", "qt")}
    row: dict[str, Any] = {
        "path": path.relative_to(out).as_posix(),
        "patient": name,
        "split": section,
        "scar": int(case.scar),
        "lvef": case.lvef,
        **{feature: float(value) if feature == "age" else int(value) for feature, value in clinical.items()},
        "seed": case.seed,
        "kind": case.kind,
        "scar_percent": case.scar_percent,
        **{f"segment_{k}": round(float(share), 4) for k, share in enumerate(case.segments, 1)},
        "changed_leads": " ".join(case.changed_leads),
        "rhythm": case.rhythm,
        "conduction": case.conduction,
        "findings": "; ".join(case.findings),
        "swapped_arms": int(case.swapped_arms),
        **truth,
    }
    return {key: _cell(value, _ROUNDED.get(key)) for key, value in row.items()}


def _cell(value: Any, digits: int | None) -> Any:
    if digits is None:
        return value
    return "" if math.isnan(value) else round(value, digits)
