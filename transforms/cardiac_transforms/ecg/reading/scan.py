"""Flat scans whose grid cannot be seen, or hardly: straightened, and sized by what else is on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from cardiac_transforms.ecg.reading.grid import PageGrid, flat_grid
from cardiac_transforms.ecg.reading.remnants import find_remnants
from cardiac_transforms.ecg.reading.scale import measure_scale
from cardiac_transforms.ecg.reading.skew import darkness, skew

_WORKING_SIDE = 2000
"""Longer side in pixels of the picture that is measured."""
_DARK = (0.001, 0.3)
"""Share of dark pixels on a page; a grid of which all is left has up to a quarter, photographs of other things have more."""
_ANY_TURN = (0, 2, 1, 3)
"""Quarter turns, the likeliest first."""


@dataclass(frozen=True)
class SizedPage:
    """A page whose millimetres are known.

    Attributes:
        grid: the map between the picture and the paper.
        scale_from: what told its scale: ``grid``, ``resolution``, ``pulse`` or ``rows``.
        turns: quarter turns anticlockwise that may set the page upright, the likeliest first.
    """

    grid: PageGrid
    scale_from: str = "grid"
    turns: tuple[int, ...] = _ANY_TURN


def find_scan(image: NDArray[np.uint8], pixels_per_mm: float | None = None) -> SizedPage | None:
    """The millimetres of a flat picture of a page, from the most exact that there is.

    Args:
        image: uint8 ``[H, W, 3]``: a scan, fax, copy or rendering, up to 6 degrees askew; on its head or on a side at will.
        pixels_per_mm: of the picture, where its dots per inch tell it.

    Returns:
        The page, sized by what a threshold left of its grid, else by the resolution, else by the calibration pulse or the
        length of the rows; ``None`` where nothing tells the scale.
    """
    height, width = image.shape[:2]
    factor = min(1.0, _WORKING_SIDE / max(height, width))
    if factor < 1:
        size = (round(width * factor), round(height * factor))
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.HAMMING, reducing_gap=3.0))
    ink = darkness(image)
    dark = ink > 0.5
    angle = 0.0
    if _DARK[0] < dark.mean() < _DARK[1]:
        angle = skew(dark)
        remnants = find_remnants(dark, angle)
        if remnants is not None:
            scale = remnants.spacing / 5 / factor
            x, y = ((place + 0.5) / factor - 0.5 for place in remnants.origin)
            return SizedPage(flat_grid((height, width), scale, angle, (x, y), remnants.coherence))
        if pixels_per_mm is None:
            measured = measure_scale(_straight(ink, angle))
            if measured is not None:
                grid = flat_grid((height, width), measured.pixels_per_mm / factor, angle)
                return SizedPage(grid, measured.source, measured.turns)
    return None if pixels_per_mm is None else SizedPage(flat_grid((height, width), pixels_per_mm, angle), "resolution")


def _straight(ink: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    """The picture turned anticlockwise by ``angle`` about its middle."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = (np.array(ink.shape) - 1) / 2
    return ndimage.affine_transform(ink, turn, middle - turn @ middle, order=1)
