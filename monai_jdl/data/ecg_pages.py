"""ECG pages from files: pictures, PDF and DICOM secondary captures as one RGB image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from monai.utils import MetaKeys

from monai_jdl.data.dicom_headers import looks_like_dicom
from monai_jdl.data.files import find_files
from monai_jdl.data.page_decoders import Decoded, decode_dicom, decode_pdf, decode_picture
from monai_jdl.data.reader import PathReader
from monai_jdl.data.time_limit import as_input_error, run_limited
from monai_jdl.errors import InputError

FOUND_SUFFIX = "_found.jpg"
PAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".pdf")
MIN_SIDE, MIN_LONG_SIDE = 100, 200
"""Pixels: fewer cannot hold the traces of one lead."""
MAX_BYTES = 2**30
_MAX_SCANS = 16


@dataclass(frozen=True)
class PageImage:
    """A page as a picture.

    Attributes:
        image: uint8 [H, W, 3] RGB, upright.
        path: its file.
        dpi: dots per inch, exact for a rendered PDF, as the file says for a picture; None where it says nothing credible.
        page: page or frame of the file, from 0.
        notes: what was done to the picture, for people.
    """

    image: np.ndarray
    path: Path
    dpi: float | None
    page: int = 0
    notes: tuple[str, ...] = ()


def load_page(path: str | Path, *, page: int = 0, dpi: float = 300) -> PageImage:
    """Load a PNG, JPEG, TIFF, WEBP, BMP, GIF, PDF or DICOM secondary capture, told apart by content.

    EXIF rotation is undone, transparency is laid on white, CMYK and colour profiles become sRGB, deep grey values are scaled to
    8 bits. Decoders that a hostile file can keep busy (PDF, DICOM, TIFF, BMP, JPEG of many scans) run in a process of their own
    for at most :data:`monai_jdl.data.time_limit.SECONDS`; PNG, WEBP, GIF and common JPEG files, whose decoding time is bounded
    by their size, are decoded in this one.

    Args:
        path: the file, at most 1 GiB and 100 megapixels.
        page: of a PDF or TIFF, or frame of a DICOM file, from 0. Other pages are not decoded.
        dpi: of a rendered PDF, 50 to 1200; lowered (with a note) where the picture would go over 40 megapixels.

    Raises:
        InputError: one sentence that names the file: missing, a folder, empty, too large, too small, no picture, damaged,
            encrypted, an ECG waveform, without that page, or too slow to open.
    """
    path = Path(path).expanduser()
    if page < 0:
        raise InputError(f"The page of {path} must be a whole number from 0, not {page}.")
    if not 50 <= dpi <= 1200:
        raise InputError(f"A PDF can be rendered at 50 to 1200 dpi, not {dpi:g} (asked for {path}).")
    check_file(path, "ECG page")
    try:
        image, found_dpi, notes = _decode(path, page, dpi)
    except Exception as error:  # decoders raise whatever a damaged file leads to
        raise as_input_error(path, error) from error
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE or max(height, width) < MIN_LONG_SIDE:
        raise InputError(
            f"{path} has only {width} x {height} pixels, too few for an ECG page (at least {MIN_LONG_SIDE} x {MIN_SIDE}); "
            "give the page at full size."
        )
    return PageImage(image, path, found_dpi, page, tuple(notes))


def is_found_picture(file: Path) -> bool:
    """Whether a file is a picture of what ``monai-jdl digitize`` found on a page, and so no page itself."""
    return file.name == f"{file.parent.name}{FOUND_SUFFIX}"


def find_pages(path: str | Path) -> list[Path]:
    """The page files of a folder, by suffix or DICOM's magic word.

    Args:
        path: a folder, searched with its subfolders, or one file of any name.

    Returns:
        Absolute paths in a fixed order; DICOM files are not opened, so that waveforms may be among them.

    Raises:
        InputError: nothing is there, or nothing is named as a page.
    """
    return find_files(
        path,
        lambda file: file.suffix.lower() in PAGE_SUFFIXES or looks_like_dicom(file),
        "ECG page",
        "picture, PDF or DICOM",
    )


class ECGPageReader(PathReader):
    """Reads an ECG page for ``LoadImaged(keys=..., reader=ECGPageReader())``.

    The array is [H, W, 3], so that ``EnsureChannelFirstd`` makes it [3, H, W] with rows first, as
    :mod:`cardiac_transforms.ecg` expects (MONAI's own ``PILReader`` gives columns first).

    Args:
        page, dpi: as in :func:`load_page`.
    """

    def __init__(self, page: int = 0, dpi: float = 300) -> None:
        super().__init__()
        self.page = page
        self.dpi = dpi

    def get_data(self, img: Sequence[str]) -> tuple[np.ndarray, dict]:
        """Read the path that :meth:`read` returned.

        Returns:
            (array, meta): uint8 [H, W, 3], and ``path``, ``page``, ``dpi`` (NaN where unknown, so that batches collate),
            ``notes`` as one text, ``spatial_shape`` and ``original_channel_dim``.

        Raises:
            InputError: as :func:`load_page`; several files.
        """
        if len(img) != 1:
            raise InputError(f"An ECG page is one file, not {len(img)} ({img[0]}, ...); list them as separate items.")
        loaded = load_page(img[0], page=self.page, dpi=self.dpi)
        return loaded.image, {
            "path": str(loaded.path),
            "page": loaded.page,
            "dpi": math.nan if loaded.dpi is None else loaded.dpi,
            "notes": "; ".join(loaded.notes),
            MetaKeys.SPATIAL_SHAPE: np.asarray(loaded.image.shape[:2]),
            MetaKeys.ORIGINAL_CHANNEL_DIM: -1,
        }


def check_file(path: Path, what: str) -> None:
    """Raise an :class:`InputError` if ``path`` is no file with content that can be read; ``what`` it should hold."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; give the file of one {what}.")
        size = path.stat().st_size
        if not path.is_file():
            raise InputError(f"{path} is no regular file; give the file of one {what}.")
        with path.open("rb"):
            pass
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        remedy = "" if missing else " and its permissions"
        problem = "does not exist" if missing else f"cannot be read ({error.strerror or error})"
        raise InputError(f"{path} {problem}; check the path{remedy}.") from error
    if not size:
        raise InputError(f"{path} is empty (0 bytes); copy or export it again.")
    if size > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES // 2**30} GiB, too much for one {what}; give that alone.")


def _decode(path: Path, page: int, dpi: float) -> Decoded:
    with path.open("rb") as file:
        start = file.read(1024)
    if looks_like_dicom(path):
        return run_limited(decode_dicom, path, page=page, dpi=dpi)
    if b"%PDF-" in start:
        return run_limited(decode_pdf, path, page=page, dpi=dpi)
    # TIFF and BMP have decoders whose time is not bounded by the picture's size. A JPEG may go over the whole picture in each
    # of thousands of almost empty scans; real ones have one, or ten if progressive, and those of their thumbnails.
    slow = start.startswith((b"II", b"MM", b"BM"))
    if slow or (start.startswith(b"\xff\xd8") and path.read_bytes().count(b"\xff\xda") > _MAX_SCANS):
        return run_limited(decode_picture, path, page=page)
    return decode_picture(path, page=page)
