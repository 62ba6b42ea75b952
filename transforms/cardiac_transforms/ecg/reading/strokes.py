"""Steep strokes that are fainter than the rest of their trace.

A plotter, a thermal head or a screen that draws a QRS complex in a few hundredths of a second leaves little ink of it, and
a camera spreads a stroke that is thinner than its pixels over two of them. So how dark such a stroke is must be told from
the stroke itself: its darkness is averaged along it, and what is as dark as that average is ink.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.connected import connected
from cardiac_transforms.ecg.reading.rows import without_specks

FINE = 7.0
"""Pixels per mm of a picture from which on its strokes are as dark as their trace; looking for them takes long."""
LENGTH = 2.0
"""mm of a stroke that are looked at together."""
BESIDE = 0.75
"""mm to the left and to the right of a stroke where the paper is bare."""
REACH = 0.25
"""mm from the middle of a stroke that are still its ink."""
TILTS = (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6)
"""Columns per row of the strokes that are looked for."""
FAINTEST_STROKE = 0.15
"""Share of the ink's darkness that a stroke has at least."""
OVER_REST = 2.0
"""How much darker than the rest a stroke is; three quarters of a page are paper and what is left of the grid."""
MIDDLE = 0.85
"""Share of a stroke's darkness in its middle; its blurred edges would make it wider than it was drawn."""


def with_steep_strokes(share: NDArray[np.float32], pixels_per_mm: float, dark: float) -> NDArray[np.float32]:
    """``share`` with the middle of faint steep strokes as dark as ink, where they touch something that is.

    Args:
        share: ``[H, W]``, darkness as a share of the ink's: 0 paper, 1 ink.
        pixels_per_mm: of the page.
        dark: share from which a pixel counts as ink.
    """
    middle = share > MIDDLE * _beside(share, round(REACH * pixels_per_mm))
    raised = np.where(middle, share / stroke_darkness(share, pixels_per_mm), share)
    # noise may break a stroke for a row or two
    labels, pieces = connected(_beside((raised > dark).T, 1).T)
    goes_on = np.zeros(len(pieces) + 1, bool)
    goes_on[labels[without_specks(share > dark, pixels_per_mm)]] = True
    return np.where(goes_on[labels], raised, share)


def stroke_darkness(share: NDArray[np.float32], pixels_per_mm: float) -> NDArray[np.float32]:
    """``[H, W]``: the darkness of the faint steep stroke at a pixel; 1 where there is none.

    A stroke is looked for as a line of :data:`LENGTH` in one of the directions :data:`TILTS` that is darker, in the mean
    over its length, than what lies beside it.

    Args:
        share: ``[H, W]``, darkness as a share of the ink's.
        pixels_per_mm: of the page.
    """
    even = share.shape[0] // 2 * 2
    if not even:
        return np.ones_like(share)
    # a stroke is steep: two rows of it are as good as one
    rows = np.float32(0.5) * (share[0:even:2] + share[1:even:2])
    beside = round(BESIDE * pixels_per_mm)
    around = np.pad(rows, ((0, 0), (beside, beside)), mode="edge")
    rows -= np.float32(0.5) * (around[:, : -2 * beside] + around[:, 2 * beside :])
    size = 2 * round(LENGTH * pixels_per_mm / 4.0) + 1
    darkness = np.zeros_like(rows)
    for tilt in TILTS:
        along = ndimage.uniform_filter1d(_sheared(rows, 2.0 * tilt), size, axis=0)
        # only in the middle of a stroke all of the length is stroke; its ends are taken to be as dark
        along = ndimage.maximum_filter1d(along, size, axis=0)
        np.maximum(darkness, _sheared(along, -2.0 * tilt), out=darkness)
    least = max(FAINTEST_STROKE, OVER_REST * float(np.percentile(darkness[::2, ::2], 75.0)))
    darkness = _beside(darkness, round(REACH * pixels_per_mm))
    darkness[(darkness < least) | (darkness > 1.0)] = 1.0
    out = np.ones_like(share)
    out[:even] = np.repeat(darkness, 2, axis=0)
    return out


def _sheared(values: NDArray[np.float32], columns_per_row: float) -> NDArray[np.float32]:
    """``[H, W]``: every row moved to the right by its number times ``columns_per_row``; what leaves on one side comes in
    on the other."""
    out = np.empty_like(values)
    width = values.shape[1]
    for row, line in enumerate(values):
        by = round(row * columns_per_row) % width
        out[row, by:], out[row, :by] = line[: width - by], line[width - by :]
    return out


def _beside(values: NDArray, reach: int) -> NDArray:
    """``[H, W]``: the largest of the values up to ``reach`` pixels to the left and right."""
    out = values.copy()
    for step in range(1, reach + 1):
        for here, there in ((np.s_[:, step:], np.s_[:, :-step]), (np.s_[:, :-step], np.s_[:, step:])):
            np.maximum(out[here], values[there], out=out[here])
    return out
