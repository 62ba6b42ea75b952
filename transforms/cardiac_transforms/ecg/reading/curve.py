"""From the ink of a trace to the line that the pen drew: one height per moment.

A pen of some thickness blackens, in every pixel column, a run from the highest to the lowest point that the signal
reaches in it, half the thickness more on either side. In a level piece the middle of the run is the signal; on the
flank of a QRS complex it is once the ink is eroded by the pen; but at a peak the middle lies too low, and the end of
the eroded run is right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.reading.rows import RowTraces

OVERSHOOT = 1.0
"""mm by which a stroke has to pass another row's trace to count as the wave of the row it comes from."""


def stroke_width(rows: RowTraces) -> float:
    """The pen's thickness in pixels: the height of the thinnest runs, those of level pieces."""
    lengths = (rows.bottom - rows.top)[np.isfinite(rows.top)]
    return max(1.0, float(np.percentile(lengths, 10))) if lengths.size else 1.0


def trace_points(rows: RowTraces, pixels_per_mm: float) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The line of every row as ``(x, y)`` in pixels, x increasing; columns without ink of the row are left out.

    A column in which a trace has both a peak and a trough yields two points. Where two rows share a run of ink, each
    gets what its own wave can have drawn of it.
    """
    pen = stroke_width(rows)
    tops, bottoms, centres = _disentangled(rows, pen, pixels_per_mm)
    lines = []
    for top, bottom, centre in zip(tops, bottoms, centres, strict=True):
        x = np.flatnonzero(np.isfinite(centre))
        if not x.size:
            lines.append((np.zeros(0), np.zeros(0)))
            continue
        high, low = _without_pen(top, bottom, pen / 2)
        t, b, y = high[x], low[x], centre[x].astype(np.float64)
        steep = (bottom - top)[x] > 1.3 * pen
        y = np.where(steep, 0.5 * (t + b), y)
        # more of the column than the pen explains: the signal turns here, or passes through within the column
        long = steep & (b - t > 0.5 * pen)
        peak = long & (t <= ndimage.minimum_filter1d(t, 3) + 0.05)
        trough = long & (b >= ndimage.maximum_filter1d(b, 3) - 0.05)
        y = np.where(peak & ~trough, t, np.where(trough & ~peak, b, y))
        both = np.flatnonzero(peak & trough)
        # the side on which the run of the neighbouring column ends higher is where the peak is
        higher_before = t[np.maximum(both - 1, 0)] <= t[np.minimum(both + 1, t.size - 1)]
        lower_before = b[np.maximum(both - 1, 0)] >= b[np.minimum(both + 1, t.size - 1)]
        first = np.where(
            higher_before & ~lower_before, t[both], np.where(lower_before & ~higher_before, b[both], y[both])
        )
        second = t[both] + b[both] - first
        y[both] = first
        xs = np.concatenate([x - 0.25 * (peak & trough), x[both] + 0.25])
        ys = np.concatenate([y, second])
        order = np.argsort(xs, kind="stable")
        lines.append((xs[order], ys[order]))
    return lines


def _without_pen(
    top: NDArray[np.float32], bottom: NDArray[np.float32], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Highest and lowest place, ``[W]`` each, at which the middle of a round pen can have been in every column.

    That is the ink eroded by the pen: its middle stays half the thickness away from every edge of the ink, also from
    the ends of the runs in the neighbouring columns, which is why a flank's ink does not pull the level trace beside
    it along.
    """
    high, low = np.full(top.shape, -np.inf), np.full(top.shape, np.inf)
    reach = int(radius)
    t, b = (np.pad(edge.astype(np.float64), reach, constant_values=np.nan) for edge in (top, bottom))
    for step in range(-reach, reach + 1):
        room = float(np.sqrt(radius**2 - step**2))
        here = slice(reach + step, reach + step + top.size)
        high, low = np.fmax(high, t[here] + room), np.fmin(low, b[here] - room)
    return high, low


def _disentangled(rows: RowTraces, pen: float, pixels_per_mm: float) -> tuple[NDArray, NDArray, NDArray]:
    """Tops, bottoms and centres, ``[R, W]``, with the runs that two rows go through divided between them."""
    top, bottom, centre = rows.top.copy(), rows.bottom.copy(), rows.centre.copy()
    columns = np.arange(top.shape[1])
    thin = np.isfinite(top) & (bottom - top <= 2.0 * pen)
    levels = np.full(top.shape, np.nan)
    for row in range(len(rows)):
        if thin[row].any():
            levels[row] = np.interp(columns, columns[thin[row]], centre[row, thin[row]])
    beyond = OVERSHOOT * pixels_per_mm
    for upper in range(len(rows)):
        for lower in range(upper + 1, len(rows)):
            shared = np.flatnonzero(np.isfinite(rows.top[upper]) & (rows.top[upper] == rows.top[lower]))
            if not shared.size:
                continue
            above = levels[upper, shared] - pen / 2 - rows.top[upper, shared]
            below = rows.bottom[upper, shared] - levels[lower, shared] - pen / 2
            # waves last some columns: the whole stretch of shared columns is judged by its extremes
            stretch = np.cumsum(np.diff(shared, prepend=shared[0]) > 2)
            above = np.asarray(ndimage.maximum(above, stretch, np.arange(stretch[-1] + 1)))[stretch]
            below = np.asarray(ndimage.maximum(below, stretch, np.arange(stretch[-1] + 1)))[stretch]
            from_lower = (above > beyond) | (above >= below)
            from_upper = (below > beyond) | (below > above)
            for row, own, other in ((upper, from_upper, from_lower), (lower, from_lower, from_upper)):
                lost = shared[~own]
                centre[row, lost] = top[row, lost] = bottom[row, lost] = np.nan
                both = shared[own & other]
                if row == upper:
                    top[row, both] = np.maximum(top[row, both], levels[row, both] - pen / 2)
                else:
                    bottom[row, both] = np.minimum(bottom[row, both], levels[row, both] + pen / 2)
                centre[row, both] = 0.5 * (top[row, both] + bottom[row, both])
    return top, bottom, centre
