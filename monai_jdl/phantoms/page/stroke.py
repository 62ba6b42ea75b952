"""Anti-aliased pen strokes along curves that never turn back in x, as a chart recorder draws them."""

from __future__ import annotations

import numpy as np

FINE = 8
"""Sub-columns of a pixel column in which a stroke's upper and lower edge are known."""


def stroke_coverage(line: np.ndarray, width: float, shape: tuple[int, int]) -> tuple[np.ndarray, int, int] | None:
    """Fraction of each pixel that a round pen covers which follows a polyline.

    The area that a disc sweeps along a continuous curve ``y(x)`` is, in every column, one interval: from the lower to the
    upper envelope of the discs. The envelopes are taken in :data:`FINE` sub-columns of each pixel column; their coverage of
    each pixel is exact in y.

    Args:
        line: ``[N, 2]`` vertices (x, y) in pixels, x not decreasing; a vertex with y = NaN interrupts the line.
        width: pen width in pixels.
        shape: ``(H, W)`` of the page; what lies outside is cut off.

    Returns:
        Coverage in [0, 1], float32 ``[h, w]``, with the row and column of its top left pixel on the page; ``None`` where
        nothing of the stroke lies on the page.
    """
    radius = width / 2
    height, pixels = shape
    known = line[np.isfinite(line[:, 1])]
    if not len(known):
        return None
    left = max(int(np.floor(known[0, 0] - radius + 0.5)), 0)
    right = min(int(np.floor(known[-1, 0] + radius + 0.5)) + 1, pixels)
    if right <= left:
        return None
    reach = round(radius * FINE - 0.5)
    low, high = _extent(line, left - 0.5 - reach / FINE, (right - left) * FINE + 2 * reach)
    count = (right - left) * FINE
    top, bottom = np.full(count, np.inf), np.full(count, -np.inf)
    for shift in range(-reach, reach + 1):
        # measured to the far edge of the sub-column, where a slope has its extreme
        half = np.sqrt(max(radius**2 - ((abs(shift) + 0.5) / FINE) ** 2, 0))
        part = slice(reach + shift, reach + shift + count)
        np.minimum(top, low[part] - half, out=top)
        np.maximum(bottom, high[part] + half, out=bottom)
    column = np.repeat(np.arange(right - left), FINE)
    seen = (bottom > -0.5) & (top < height - 0.5)
    if not seen.any():
        return None
    column = column[seen]
    # from here on pixel y covers [y, y + 1)
    top, bottom = np.clip(top[seen] + 0.5, 0, height), np.clip(bottom[seen] + 0.5, 0, height)
    first, last = int(top.min()), min(int(bottom.max()) + 1, height)
    return _fill(column, top - first, bottom - first, (last - first, right - left)), first, left


def _extent(line: np.ndarray, start: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest y of the line in each of ``count`` sub-columns from x = ``start``; +inf and -inf where it is not."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    position = (line[:, 0].astype(np.float64) - start) * FINE
    known = np.isfinite(line[:, 1]).astype(np.int8)
    change = np.flatnonzero(np.diff(known, prepend=0, append=0))
    for begin, end in zip(change[::2], change[1::2], strict=True):
        x, y = position[begin:end], line[begin:end, 1].astype(np.float64)
        inside = (x >= 0) & (x < count)
        cell = x[inside].astype(np.intp)
        np.minimum.at(low, cell, y[inside])
        np.maximum.at(high, cell, y[inside])
        edges = np.arange(max(int(np.ceil(x[0])), 0), min(int(np.floor(x[-1])), count) + 1)
        if len(edges):
            value = np.interp(edges, x, y)
            for neighbour in (edges - 1, edges):
                valid = (neighbour >= 0) & (neighbour < count)
                low[neighbour[valid]] = np.minimum(low[neighbour[valid]], value[valid])
                high[neighbour[valid]] = np.maximum(high[neighbour[valid]], value[valid])
    return low, high


def _fill(column: np.ndarray, top: np.ndarray, bottom: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Coverage ``[h, w]`` by the intervals ``top..bottom`` of the sub-columns of each pixel ``column``.

    An interval's edge is a ramp of one pixel in the coverage, so it is two steps in its derivative along y; the steps of
    all intervals are summed and integrated.
    """
    rows, columns = shape
    index, step = [], []
    for edge, sign in ((top, 1.0), (bottom, -1.0)):
        row = edge.astype(np.intp)
        part = edge - row
        index += [row * columns + column, (row + 1) * columns + column]
        step += [sign * (1 - part), sign * part]
    size = (rows + 2) * columns
    total = np.bincount(np.concatenate(index), np.concatenate(step), minlength=size).reshape(rows + 2, columns)
    return np.clip(np.cumsum(total[:rows], axis=0, dtype=np.float32) / FINE, 0, 1)
