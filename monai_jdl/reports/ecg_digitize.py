"""ECG pages to records: every page of a folder read, written as WFDB or CSV, and drawn with what was found on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cardiac_transforms.ecg.leads import LEADS
from cardiac_transforms.ecg.reading import FIXED_LAYOUTS, PageReading, read_fixed_page, read_page
from monai_jdl.atomic import atomic_path
from monai_jdl.data.cases import CaseDataset
from monai_jdl.data.ecg_csv import write_ecg_csv
from monai_jdl.data.ecg_loading import size_note
from monai_jdl.data.ecg_pages import FOUND_SUFFIX, PageImage, find_pages, is_found_picture, load_page
from monai_jdl.data.ecg_wfdb import write_wfdb
from monai_jdl.data.files import case_names, check_output_dir, stem
from monai_jdl.errors import InputError
from monai_jdl.reports.ecg_overlay import draw_reading
from monai_jdl.reports.tables import write_csv

COLUMNS = (
    *("case", "path", "layout", "pixels_per_mm_x", "pixels_per_mm_y", "speed", "gain", "calibrated", "confidence"),
    *("leads", "quality", *(f"quality_{lead}" for lead in LEADS), "notes", "reason"),
)
"""Of ``pages.csv``; what is not known is empty."""
_RECORD_SUFFIXES = {"wfdb": (".dat", ".hea"), "csv": (".csv",)}


def digitize_pages(
    pages: str | Path, output: str | Path, *, file_format: str = "wfdb", page: int = 0, layout: str | None = None
) -> Path:
    """Read ECG pages: signals in mV at 500 Hz, the quality of each lead, and a picture of what was found.

    Writes ``OUT/<case>/<case>.hea`` and ``.dat`` (or ``<case>.csv``) and ``OUT/<case>/<case>_found.jpg``, and one row per page
    in ``OUT/pages.csv`` (:data:`COLUMNS`): ``calibrated`` is 1 where speed (mm/s) and gain (mm/mV) come from a calibration
    pulse, else 0; ``leads`` counts the leads with samples; ``quality`` is the median over them; ``reason`` says why a page
    was refused, and such a page has no record.

    Args:
        pages: a folder, searched with its subfolders, or one file (picture, PDF or DICOM). Pictures that this function wrote
            are left out.
        output: folder to write to.
        file_format: of the records, ``wfdb`` or ``csv``.
        page: of a PDF or TIFF, from 0.
        layout: of reports whose lead boxes are known beforehand, a name in
            :data:`cardiac_transforms.ecg.reading.FIXED_LAYOUTS`; by default the leads are found on the page.

    Returns:
        The path of ``pages.csv``.

    Raises:
        InputError: there is no page; ``output`` cannot be written; or pages could not be read: the others are finished by
            then, and ``pages.csv`` tells why.
        ValueError: unknown format.
    """
    if file_format not in _RECORD_SUFFIXES:
        raise ValueError(f"file_format is one of {', '.join(_RECORD_SUFFIXES)}, not {file_format!r}.")
    if layout is not None and layout not in FIXED_LAYOUTS:
        raise InputError(
            f"There is no fixed layout {layout!r}; give one of {', '.join(FIXED_LAYOUTS)}, or none to have the leads found."
        )
    root, files = Path(pages).expanduser().absolute(), find_pages(pages)
    files = [file for file in files if file == root or not is_found_picture(file)]
    if not files:
        raise InputError(f"{root} holds only pictures of pages that were read; give the folder of the pages.")
    out = check_output_dir(output)

    # WFDB allows fewer characters than folders do
    folders = [(root.parent if file == root else file.parent).relative_to(root.parent).parts[1:] for file in files]
    parts = [(*folder, stem(file)) for folder, file in zip(folders, files, strict=True)]
    names = case_names([[re.sub(r"[^A-Za-z0-9_-]+", "_", part) for part in path] for path in parts])
    items = [{"image": str(file), "case": name} for file, name in zip(files, names, strict=True)]
    rows = {item["case"]: dict.fromkeys(COLUMNS, "") | {"case": item["case"], "path": item["image"]} for item in items}
    cases = CaseDataset(items, lambda item: item | _read(item["image"], page, layout))
    for item in cases:
        rows[item["case"]] |= _write(out / item["case"], item["page"], item["reading"], file_format, layout)
    for error in cases.errors:
        _remove_record(out / error["case"] / error["case"])
        rows[error["case"]]["reason"] = error["error"]
    table = write_csv(out / "pages.csv", list(rows.values()), COLUMNS)
    refused = [row for row in rows.values() if row["reason"]]
    if refused and len(files) == 1:
        raise InputError(cases.errors[0]["error"] if cases.errors else _sentence(files[0], refused[0]["reason"]))
    if refused:
        raise InputError(f"{len(refused)} of {len(files)} pages could not be read; {table} tells why.")
    return table


def _sentence(file: Path, reason: str) -> str:
    """Why a page was refused, as one sentence with the remedy."""
    return f"{file} was not read: {reason[:1].lower()}{reason[1:].rstrip('.')}; give a sharp picture of the whole page."


def _read(path: str, page: int, layout: str | None) -> dict[str, Any]:
    loaded = load_page(path, page=page)
    if layout is None:
        reading = read_page(loaded.image, None if loaded.dpi is None else loaded.dpi / 25.4)
    else:
        try:
            reading = read_fixed_page(loaded.image, layout)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
    if reading.found:
        _ = reading.signals  # computed here, where a failure is this page's alone
    return {"page": loaded, "reading": reading}


def _write(folder: Path, page: PageImage, reading: PageReading, file_format: str, layout: str | None) -> dict[str, Any]:
    """Write record and picture of a page; returns what its row says."""
    record = folder / folder.name
    row: dict[str, Any] = {"reason": reading.reason}
    notes = list(page.notes)
    if reading.page is not None:
        row |= dict(zip(("pixels_per_mm_x", "pixels_per_mm_y"), _cells(reading.page.grid.pixels_per_mm), strict=True))
        if reading.page.grid.coherence == 0:
            looked = f"no grid was looked for; the size comes from the layout {layout}"
            notes.append(looked if layout else size_note(reading, page))
    row["notes"] = "; ".join(notes)
    _remove_record(record)
    with atomic_path(record.with_name(record.name + FOUND_SUFFIX)) as temporary:
        Image.fromarray(draw_reading(page.image, reading)).save(temporary, quality=85)
    if not reading.found or reading.layout is None or reading.layout.layout is None:
        return row
    found, shown = reading.signals, reading.layout
    if file_format == "wfdb":
        write_wfdb(record, found.signals, found.rate, comments=(f"digitised from {page.path.name}",))
    else:
        write_ecg_csv(record.with_suffix(".csv"), found.signals, found.rate)
    there = ~np.isnan(found.signals).all(axis=1)
    quality = np.where(there, found.quality, np.nan)
    numbers = (shown.speed, shown.gain, shown.confidence, np.median(quality[there]) if there.any() else np.nan)
    row |= dict(zip(("speed", "gain", "confidence", "quality"), _cells(numbers), strict=True))
    row |= {"layout": reading.layout.layout.name, "calibrated": int(shown.calibrated), "leads": int(there.sum())}
    return row | dict(zip((f"quality_{lead}" for lead in LEADS), _cells(quality), strict=True))


def _remove_record(record: Path) -> None:
    """Remove a record of an earlier run, so that a page that is refused now has none."""
    for suffixes in _RECORD_SUFFIXES.values():
        for suffix in suffixes:
            record.with_name(record.name + suffix).unlink(missing_ok=True)


def _cells(values: Any) -> list[float]:
    return [round(float(value), 3) for value in values]
