"""ECG pages out: PNG, JPEG and PDF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from monai_jdl.atomic import atomic_path
from monai_jdl.errors import InputError

_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".pdf": "PDF"}


def write_page_image(path: str | Path, image: np.ndarray, dpi: float, *, quality: int = 90) -> None:
    """Write a page image; the suffix says how.

    The file holds the resolution, so that it prints at its true size. A PDF holds the page as one JPEG picture.

    Args:
        path: ends in ``.png``, ``.jpg``, ``.jpeg`` or ``.pdf``. Its folder is made if needed.
        image: uint8 ``[H, W, 3]``, RGB.
        dpi: dots per inch.
        quality: of the JPEG, 1-95.

    Raises:
        InputError: another suffix, or an image of another type or shape.

    Example:
        >>> write_page_image("page.pdf", page.image, dpi=200)  # doctest: +SKIP
    """
    path = Path(path)
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: a page cannot be written as {path.suffix!r}; end the name in {', '.join(_FORMATS)}.")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"{path}: a page is uint8 [H, W, 3], not {image.dtype} {list(image.shape)}.")
    options: dict[str, object] = {"resolution": dpi} if kind == "PDF" else {"dpi": (dpi, dpi)}
    if kind != "PNG":
        options["quality"] = quality
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, kind, **options)
