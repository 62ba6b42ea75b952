"""ECG records to pages: each record printed as a machine would, with the places of its leads beside it."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monai_jdl.atomic import atomic_path
from monai_jdl.data.cases import CaseDataset
from monai_jdl.data.dicom_headers import looks_like_dicom
from monai_jdl.data.ecg_channels import lead_of
from monai_jdl.data.ecg_records import read_record
from monai_jdl.data.files import case_names, check_output_dir, find_files, stem
from monai_jdl.data.page_decoders import MAX_PIXELS
from monai_jdl.data.page_files import write_page_image
from monai_jdl.errors import InputError
from monai_jdl.phantoms import PageStyle, RenderedPage, render_page

PAGE_FORMATS = ("png", "jpg", "pdf")


def find_records(path: str | Path) -> list[Path]:
    """The ECG records of a folder: WFDB headers, DICOM files, and CSV files whose first line names a lead.

    Args:
        path: a folder, searched with its subfolders, or one record of any name (WFDB without suffix too).

    Returns:
        Absolute paths in a fixed order; DICOM files are not opened, so that pictures may be among them.

    Raises:
        InputError: nothing is there, or no record.
    """
    named = Path(path).expanduser().absolute()
    if named.with_name(f"{named.name}.hea").exists():
        return [named]
    return find_files(path, is_record_name, "ECG record", "WFDB header, DICOM, or CSV of leads")


def render_records(
    records: str | Path,
    output: str | Path,
    *,
    layout: str = "3x4+1",
    style: PageStyle | None = None,
    file_format: str = "png",
    start: float = 0.0,
    rate: float | None = None,
    units: str | None = None,
) -> Path:
    """Print ECG records on pages, one each.

    Writes ``OUT/<case>.png`` (or ``.jpg``, ``.pdf``) and ``OUT/<case>.json``: names of page and record, ``layout``,
    ``pixels_per_mm``, ``speed`` (mm/s), ``gain`` (mm/mV), ``grid_origin`` (x, y of a crossing of 5 mm lines), ``boxes`` (lead,
    box (x1, y1, x2, y2), start and stop in seconds of the window, rhythm) and ``pulses``, in pixels of the page as in
    :class:`monai_jdl.phantoms.RenderedPage`.

    Args:
        records: a WFDB header, a DICOM ECG, a CSV or a folder of them (:func:`find_records`).
        output: folder to write to.
        layout: arrangement of the leads, a name in :data:`cardiac_transforms.ecg.LAYOUTS`.
        style: how the pages look; Letter landscape at 200 dpi by default.
        file_format: one of :data:`PAGE_FORMATS`.
        start: seconds from the beginning of the record; 10 s from there are printed, as far as they fit.
        rate: Hz, for CSV files without a ``time`` column.
        units: of all records, over what the files say: ``mV``, ``uV`` or ``V``.

    Returns:
        The output folder.

    Raises:
        InputError: there is no record; ``output`` cannot be written; the pages would have more than
            :data:`monai_jdl.data.page_decoders.MAX_PIXELS`, so that ``load_page`` refused them; or records failed: the others
            are finished by then, and ``OUT/errors.csv`` says what is wrong.
        ValueError: unknown format.
    """
    if file_format not in PAGE_FORMATS:
        raise ValueError(f"file_format is one of {', '.join(PAGE_FORMATS)}, not {file_format!r}.")
    look = style or PageStyle(dpi=200)
    _check_size(look)
    root, files = Path(records).expanduser().absolute(), find_records(records)
    out = check_output_dir(output)

    def printed(item: dict[str, Any]) -> dict[str, Any]:
        record = read_record(item["image"], start=start, rate=rate, units=units)
        return item | {"page": render_page(record.signals, record.rate, layout=layout, style=look)}

    folders = [() if file == root else file.relative_to(root).parts[:-1] for file in files]
    names = case_names([(*folder, stem(file)) for folder, file in zip(folders, files, strict=True)])
    items = [{"image": str(file), "case": name} for file, name in zip(files, names, strict=True)]
    cases = CaseDataset(items, printed, out / "errors.csv")
    for item in cases:
        name = f"{item['case']}.{file_format}"
        write_page_image(out / name, item["page"].image, look.dpi)
        truth = {"page": name, "record": item["image"], "layout": layout} | _truth(item["page"])
        with atomic_path(out / f"{item['case']}.json") as temporary:
            temporary.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    cases.raise_if_any()
    return out


def _check_size(style: PageStyle) -> None:
    height, width = style.shape
    if height * width > MAX_PIXELS:
        most = math.floor(style.dpi * math.sqrt(MAX_PIXELS / (height * width)))
        raise InputError(
            f"{style.dpi:g} dpi makes pages of {width} x {height} pixels, more than the {MAX_PIXELS // 10**6} megapixels that "
            f"can be read again; give at most {most} dpi."
        )


def _truth(page: RenderedPage) -> dict[str, Any]:
    numbers = {name: getattr(page, name) for name in ("pixels_per_mm", "speed", "gain", "grid_origin", "pulses")}
    return numbers | {"boxes": [asdict(box) for box in page.boxes]}


def is_record_name(file: Path) -> bool:
    """Whether a file is named or marked as a record, or is a CSV (which is opened) whose first line names a lead."""
    if file.suffix.lower() not in (".csv", ".tsv"):
        return file.suffix.lower() == ".hea" or looks_like_dicom(file)
    with file.open(encoding="latin-1") as text:
        start = text.read(2**14).replace("\0", "")  # zeros of UTF-16
    header = next((line for line in start.splitlines() if line.strip() and not line.startswith("#")), "")
    cells = [cell.strip(' "') for cell in re.split("[,;\t]", header)]
    return any(lead_of(re.sub(r"[_/ ][mu]?V$", "", cell, flags=re.IGNORECASE)) for cell in cells)
