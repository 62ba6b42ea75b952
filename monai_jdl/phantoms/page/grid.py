"""The printed grid, with lines where the paper has them to a fraction of a pixel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from monai_jdl.phantoms.page.plan import PagePlan
from monai_jdl.phantoms.page.style import Color, PageStyle

_LEVELS = 32
"""Steps to which coverage by lines is rounded, so that a page has few different rows of pixels to mix."""


def page_background(style: PageStyle, plan: PagePlan) -> np.ndarray:
    """Paper and grid of a page, uint8 ``[H, W, 3]``, read-only.

    Args:
        style: colours and line widths.
        plan: where the grid lies.
    """
    return _background(
        style.shape, style.pixels_per_mm, (style.border_color, *style.colors), style.grid,
        (style.minor_width, style.major_width), plan.grid_box, plan.grid_origin,
    )  # fmt: skip


@lru_cache(maxsize=2)
def _background(
    shape: tuple[int, int],
    scale: float,
    colors: tuple[Color, ...],
    grid: str,
    widths: tuple[float, float],
    box: tuple[float, float, float, float],
    origin: tuple[float, float],
) -> np.ndarray:
    height, width = shape
    across = _axis(width, scale, widths, (box[0], box[2]), origin[0])
    down = _axis(height, scale, widths, (box[1], box[3]), origin[1])
    rows, which = np.unique(down, axis=1, return_inverse=True)
    border, paper, minor, major = (np.array(color, dtype=np.float32) for color in colors)
    table = np.empty((rows.shape[1], width, 3), dtype=np.uint8)
    nothing = np.zeros(width, dtype=np.float32)
    for index, (minor_row, major_row, in_row) in enumerate(rows.T):
        fine = coarse = nothing
        if grid == "lines":
            fine = np.maximum(across[0] * in_row, minor_row * across[2])
        elif grid == "dots":
            fine = across[0] * minor_row
        if grid != "none":
            coarse = np.maximum(across[1] * in_row, major_row * across[2])
        base = border + (across[2] * in_row)[:, None] * (paper - border)
        line = base + fine[:, None] * (minor - base)
        table[index] = line + coarse[:, None] * (major - line) + 0.5
    page = table[which.reshape(-1)]
    page.flags.writeable = False
    return page


def _axis(
    size: int, scale: float, widths: tuple[float, float], limits: tuple[float, float], origin: float
) -> np.ndarray:
    """Coverage of each pixel along an axis by minor lines, by major lines and by the grid as a whole: ``[3, size]``."""
    centre = np.arange(size)
    half = widths[1] * scale / 2  # the outermost lines are whole
    extent = np.clip(np.minimum(centre + 0.5, limits[1] + half) - np.maximum(centre - 0.5, limits[0] - half), 0, 1)
    minor = _covered(centre, scale, widths[0] * scale, origin)
    major = _covered(centre, 5 * scale, widths[1] * scale, origin)
    return (np.round(np.stack([minor, major, np.ones(size)]) * extent * _LEVELS) / _LEVELS).astype(np.float32)


def _covered(centre: np.ndarray, step: float, width: float, origin: float) -> np.ndarray:
    """Share of each pixel that lines of ``width`` cover which repeat every ``step``: a difference of their integral."""

    def integral(x: np.ndarray) -> np.ndarray:
        phase = (x - origin + width / 2) / step
        whole = np.floor(phase)
        return whole * width + np.minimum((phase - whole) * step, width)

    return integral(centre + 0.5) - integral(centre - 0.5)
