"""Lettering: the machine's fonts, and where each text came to lie."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from monai_jdl.errors import InputError


class PageText(NamedTuple):
    """A printed text: kind (lead_name, header, measurement, diagnosis or footer), words, and box (x1, y1, x2, y2) in pixels."""

    kind: str
    text: str
    box: tuple[float, float, float, float]


class Lettering:
    """The ink of all texts on one page.

    Args:
        shape: ``(H, W)`` of the page.
        font: path of a TrueType font, or ``None`` for the one inside Pillow.
    """

    def __init__(self, shape: tuple[int, int], font: str | None) -> None:
        self.texts: list[PageText] = []
        self._font = font
        self._image = Image.new("L", (shape[1], shape[0]))
        self._draw = ImageDraw.Draw(self._image)

    def write(
        self, kind: str, text: str, xy: tuple[float, float], size: float, *, anchor: str = "ls", bold: float = 0.0
    ) -> None:
        """Print one text.

        Args:
            kind: see :class:`PageText`.
            text: a single line; nothing is noted of an empty one.
            xy: anchor in pixels.
            size: height of the lettering in pixels (em).
            anchor: Pillow's two-letter text anchor.
            bold: distance of a second strike to the right, in pixels; 0 for none.
        """
        if not text:
            return
        font = _load_font(self._font, round(size, 2))
        x, y = xy[0] + 0.5, xy[1] + 0.5  # Pillow counts from the corner of the first pixel
        x1, y1, x2, y2 = self._draw.textbbox((x, y), text, font=font, anchor=anchor)
        for strike in (0.0, bold) if bold else (0.0,):
            self._draw.text((x + strike, y), text, fill=255, font=font, anchor=anchor)
        self.texts.append(PageText(kind, text, (x1 - 0.5, y1 - 0.5, x2 + bold - 0.5, y2 - 0.5)))

    def length(self, text: str, size: float) -> float:
        """Width in pixels of a text in lettering of ``size`` pixels."""
        return _load_font(self._font, round(size, 2)).getlength(text)

    def coverage(self) -> np.ndarray:
        """Ink of all texts, uint8 ``[H, W]``, 0-255."""
        return np.asarray(self._image)


@lru_cache(maxsize=64)
def _load_font(path: str | None, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    size = max(size, 1.0)  # FreeType refuses less
    if path is None:
        return ImageFont.load_default(size)
    try:
        return ImageFont.truetype(path, size)
    except OSError:
        raise InputError(f"{path} is not a font that can be read; give a TrueType file.") from None
