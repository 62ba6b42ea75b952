"""What is dark in a flat picture of a page, and how far the page is turned there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from cardiac_transforms.ecg.reading.ink import ink_level

_BLOCKS = 40
"""Pieces of the longer side in which the paper's brightness is measured."""
_PAPER_SHARE = 80
"""Percentile of a piece's brightness that is its paper."""
_STROKE = 1 / 85
"""Share of the longer side, wider than any stroke: 3.5 mm on a usual page."""
_FULL = 0.8
"""Share of the typical darkness in the middle of strokes that is full ink; half of it makes a pixel dark."""
_FAINTEST = 0.1
"""Share of the paper's light that is missing in ink at least."""
_MOST_TURN = 6.0
"""Degrees up to which pages lie askew on a scanner."""
_SEARCH = ((_MOST_TURN, 0.25), (0.25, 0.05), (0.05, 0.01))
"""Reach and step in degrees of the angles that are tried, around the best before."""
_MOST_POINTS = 120_000
"""Dark pixels that the angle is measured on; as many tell it as surely as all."""


def darkness(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Share of full ink at every pixel.

    Args:
        image: uint8 ``[H, W, 3]``.

    Returns:
        float32 ``[H, W]``, 0 for paper, and for dark areas as a scanner's lid leaves around it, to 1 for ink.
    """
    grey = image.mean(axis=2, dtype=np.float32)
    step = max(1, max(grey.shape) // (_BLOCKS * 8))
    thinned = np.ascontiguousarray(grey[::step, ::step])
    size = min(8, *thinned.shape)
    rows, columns = (n // size for n in thinned.shape)
    blocks = thinned[: rows * size, : columns * size].reshape(rows, size, columns, size)
    paper = np.percentile(blocks, _PAPER_SHARE, axis=(1, 3)).astype(np.float32)
    # a piece may be all letters or bar: its neighbours know better what the paper is like there
    paper = np.maximum(np.maximum(paper, ndimage.median_filter(paper, 3)), 1.0)
    around = Image.fromarray(paper).resize(grey.shape[::-1], Image.Resampling.BILINEAR)
    missing = np.clip(1.0 - grey / np.asarray(around), 0.0, 1.0)
    level = max(_FULL * ink_level(missing, max(grey.shape) / 300), _FAINTEST)
    dark = np.minimum(missing / np.float32(level), 1.0)
    wide = max(2, round(_STROKE * max(grey.shape) / step))
    thinned = np.pad(dark[::step, ::step] > 0.5, wide, mode="edge").view(np.uint8)
    areas = ndimage.maximum_filter(ndimage.grey_opening(thinned, wide), 5)[wide:-wide, wide:-wide]
    if areas.any():
        dark *= 1 - areas.repeat(step, axis=0).repeat(step, axis=1)[: grey.shape[0], : grey.shape[1]]
    return dark


def skew(dark: NDArray[np.bool_]) -> float:
    """How far a page is turned clockwise, in radians, by the angle at which rows and columns of pixels differ most.

    Lines of text, level stretches of traces, the strokes of letters and calibration pulses and what there is of a grid
    gather in few rows and columns once the page is straight.

    Args:
        dark: ``[H, W]``.
    """
    ys, xs = np.nonzero(dark)
    thin = max(1, len(xs) // _MOST_POINTS)
    points = np.stack([xs[::thin], ys[::thin]], axis=1)
    best = 0.0
    for reach, step in _SEARCH:
        tried = best + np.arange(-reach, reach + step / 2, step)
        best = float(tried[int(np.argmax([_sharpness(points, np.deg2rad(angle)) for angle in tried]))])
    return float(np.deg2rad(best))


def profiles(points: NDArray[np.integer], angle: float) -> tuple[tuple[NDArray[np.intp], float], ...]:
    """How many of the points lie in each pixel wide column and row of a page that is turned clockwise by ``angle``.

    Args:
        points: ``[N, 2]`` (x, y).
        angle: radians.

    Returns:
        For the columns, then for the rows: the counts, and where along (cos, sin) or (-sin, cos) the first one's middle is.
    """
    cos, sin = np.cos(angle), np.sin(angle)
    found = []
    for along in (points @ (cos, sin), points @ (-sin, cos)):
        first = np.floor(along.min())
        found.append((np.bincount((along - first).astype(np.intp)), float(first) + 0.5))
    return tuple(found)


def _sharpness(points: NDArray[np.integer], angle: float) -> float:
    """Squared differences of neighbouring columns and of neighbouring rows."""
    return sum(float(np.square(np.diff(counts)).sum()) for counts, _ in profiles(points, angle))
