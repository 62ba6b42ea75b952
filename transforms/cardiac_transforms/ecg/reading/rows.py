"""The traces of a page, row by row: where the rows are, and which ink of every pixel column belongs to which row.

A trace is followed from left to right through the vertical runs of ink of the columns (Viterbi). Two runs that touch
cost nothing to go between, a jump costs its height, a missing piece its width; so a row keeps to itself where a
neighbour's tall wave crosses it, and a line of text, which is all jumps and gaps, is told from a trace by what it
costs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.signal import find_peaks

from cardiac_transforms.ecg.reading.connected import connected, thinned

MOST_RUNS = 28
"""Runs kept per column; the longest."""
MOST_ROWS = 24
"""Candidate rows followed."""
JUMP, JUMP_MOST = 0.35, 4.0
"""Cost per mm of a jump between runs that do not touch, and its upper limit."""
GAP = 0.7
"""Cost per mm of width without ink."""
PULL, PULL_MOST = 0.02, 40.0
"""Cost per mm of width and mm of distance from the row's zero line, and the distance from which it no longer grows."""
ROUGHEST = 0.15
"""Jumps per mm above which a row is no trace; noise has 0.2 and more, text about 0.1."""
SPECK = 0.8
"""mm: connected ink smaller than this in both directions is dirt."""


@dataclass
class Runs:
    """Vertical runs of ink in every column, ``[W, K]`` each, padded with NaN.

    Attributes:
        top, bottom: where the ink crosses one half, in pixels (y of a row's centre is its index).
        centre: centre of gravity of the ink.
    """

    top: NDArray[np.float32]
    bottom: NDArray[np.float32]
    centre: NDArray[np.float32]


@dataclass
class RowTraces:
    """The rows found on a page, from the top, ``R`` of them, ``W`` columns.

    Attributes:
        zero: ``[R]`` y of the zero lines in pixels.
        top, bottom, centre: ``[R, W]`` the run of ink that the row's trace goes through, in pixels; NaN where there is
        none. start, stop: ``[R]`` first and last column of the trace.
    """

    zero: NDArray[np.float64]
    top: NDArray[np.float32]
    bottom: NDArray[np.float32]
    centre: NDArray[np.float32]
    start: NDArray[np.intp]
    stop: NDArray[np.intp]

    def __len__(self) -> int:
        return self.zero.size

    def keep(self, rows: NDArray) -> RowTraces:
        """Only the rows that an index array or mask chooses."""
        names = ("zero", "top", "bottom", "centre", "start", "stop")
        return RowTraces(*(getattr(self, name)[rows] for name in names))


def find_rows(ink: NDArray[np.float32], pixels_per_mm: float) -> RowTraces:
    """The rows of traces on a page.

    Args:
        ink: ``[H, W]`` as from :func:`cardiac_transforms.ecg.reading.ink.trace_ink`.
        pixels_per_mm: of the page.

    Returns:
        The rows, from the top; none where the page has no traces.
    """
    dark = without_specks(ink > 0.5, pixels_per_mm)
    candidates = _candidate_rows(dark, pixels_per_mm)
    runs = ink_runs(ink, dark)
    if not candidates.size or not np.isfinite(runs.top).any():
        empty = np.zeros((0, ink.shape[1]), np.float32)
        return RowTraces(np.zeros(0), empty, empty, empty, np.zeros(0, np.intp), np.zeros(0, np.intp))
    rows = _select(follow(runs, candidates, pixels_per_mm), pixels_per_mm)
    left_out = _missing_levels(rows.zero, pixels_per_mm)
    return _completed(rows, follow(runs, left_out, pixels_per_mm), pixels_per_mm) if left_out.size else rows


def without_specks(dark: NDArray[np.bool_], pixels_per_mm: float) -> NDArray[np.bool_]:
    """``dark``, ``[H, W]``, but for what is smaller than :data:`SPECK` both ways and touches nothing else."""
    labels, pieces = connected(dark)
    size = SPECK * pixels_per_mm
    large = [ys.stop - ys.start >= size or xs.stop - xs.start >= size for ys, xs in pieces]
    if all(large):
        return dark
    kept = np.array([False, *large])
    place = np.flatnonzero(dark)
    out = np.zeros(dark.shape, bool)
    out.ravel()[place] = kept[labels.ravel()[place]]
    return out


def _candidate_rows(dark: NDArray[np.bool_], pixels_per_mm: float) -> NDArray[np.float64]:
    """y where much of the page's width has ink within 2 mm: zero lines of traces, and some lines of text."""
    size = max(1, round(pixels_per_mm / 2.0))
    if min(dark.shape) < size:
        return np.zeros(0)
    coarse = thinned(dark, size)
    scale = pixels_per_mm / size
    near = ndimage.maximum_filter1d(coarse, 2 * round(2.0 * scale) + 1, axis=0)
    used = near.any(axis=0).sum()
    # the middle of a trace's ink counts more than a plateau 2 mm wide could tell
    profile = near.sum(axis=1) + 0.5 * ndimage.gaussian_filter1d(coarse.sum(axis=1, dtype=float), 0.5 * scale)
    profile = ndimage.gaussian_filter1d(profile.astype(float), 0.7 * scale)
    peaks, found = find_peaks(profile, height=0.2 * max(used, 1), distance=max(1, round(6.0 * scale)))
    best = np.sort(peaks[np.argsort(-found["peak_heights"])[:MOST_ROWS]])
    return (best + 0.5) * size - 0.5


def ink_runs(ink: NDArray[np.float32], dark: NDArray[np.bool_]) -> Runs:
    """The runs of ``dark`` in every column, their edges placed to a fraction of a pixel by ``ink``."""
    height, width = ink.shape
    # the dark pixels column by column; a run ends where the next one is not right below
    column, y = np.divmod(np.flatnonzero(np.ascontiguousarray(dark.T)), height)
    if not y.size:
        return Runs(*(np.full((width, 1), np.nan, np.float32) for _ in range(3)))
    begins = np.flatnonzero((np.diff(y, prepend=-2) != 1) | (np.diff(column, prepend=-1) != 0))
    first, last = y[begins], y[np.append(begins[1:], y.size) - 1]
    shade = ink[y, column]
    weight, moment = np.add.reduceat(shade, begins), np.add.reduceat(shade * y, begins)
    column = column[begins]

    def shades(y: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.where((y >= 0) & (y < height), ink[np.clip(y, 0, height - 1), column], np.float32(0.0))

    def crossing(inside: NDArray[np.float32], outside: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.clip((inside - 0.5) / np.maximum(inside - outside, 1e-3), 0.0, 1.0)

    above, below = shades(first - 1), shades(last + 1)
    top, bottom = first - crossing(shades(first), above), last + crossing(shades(last), below)
    # centre of gravity over the run and a pixel on either side
    moment += above * (first - 1) + below * (last + 1)
    centre = moment / np.maximum(weight + above + below, 1e-6)
    # the longest runs of every column, in order of y
    order = np.lexsort((-(last - first), column))
    rank = np.arange(order.size) - np.searchsorted(column, column[order], side="left")
    chosen = order[rank < MOST_RUNS]
    chosen.sort()
    slot = np.arange(chosen.size) - np.searchsorted(column[chosen], column[chosen], side="left")
    out = Runs(*(np.full((width, MOST_RUNS), np.nan, np.float32) for _ in range(3)))
    for target, values in ((out.top, top), (out.bottom, bottom), (out.centre, centre)):
        target[column[chosen], slot] = values[chosen]
    return out


def follow(runs: Runs, zero: NDArray[np.float64], pixels_per_mm: float) -> RowTraces:
    """The cheapest path through ``runs`` for every row at height ``zero``, ``[R]``; the rows do not see each other."""
    width, rows, dx = len(runs.top), zero.size, np.float32(1.0 / pixels_per_mm)
    # the states of a column are its runs and, last, a gap; those of all columns lie end to end
    inked = np.isfinite(runs.top)
    states = inked.sum(axis=1) + 1
    begin = np.concatenate([[0], np.cumsum(states)])
    column = np.repeat(np.arange(width), states)
    is_run = np.ones(column.size, bool)
    is_run[begin[1:] - 1] = False
    top, bottom = np.zeros(column.size, np.float32), np.zeros(column.size, np.float32)
    top[is_run], bottom[is_run] = runs.top[inked] * dx, runs.bottom[inked] * dx
    level = (zero * dx).astype(np.float32)
    distance = np.maximum(np.maximum(top[:, None] - level, level - bottom[:, None]), 0.0)  # [states, R]
    node = np.where(is_run[:, None], PULL * dx * np.minimum(distance, PULL_MOST), GAP * dx)
    # into ink again after a gap: the farther from the zero line, the dearer
    entry = np.where(is_run[:, None], np.minimum(0.1 + 0.5 * JUMP * distance, JUMP_MOST), np.float32(0.0))
    # from every run, and to every state of the next column, those of one column end to end
    pairs = states[1:] * (states[:-1] - 1)
    ends = np.concatenate([[0], np.cumsum(pairs)])
    before = np.repeat(np.arange(width - 1), pairs)
    origin, target = np.divmod(np.arange(ends[-1]) - ends[before], states[before + 1])
    origin, target = begin[before] + origin, begin[before + 1] + target
    step = np.maximum(top[target] - bottom[origin], top[origin] - bottom[target])
    jump = np.minimum(JUMP * np.maximum(step - dx, 0.0) + np.float32(0.1) * (step > dx), JUMP_MOST)
    jump[~is_run[target]] = 0.1
    cost = node[: begin[1]]
    back = np.empty(node.shape, np.int16)
    # numbers of Python, which index arrays sooner than those of numpy
    first, pair, count = begin.tolist(), ends.tolist(), states.tolist()
    for x in range(1, width):
        here = slice(first[x], first[x + 1])
        total = np.empty((count[x - 1], count[x], rows), np.float32)
        np.add(cost[:-1, None], jump[pair[x - 1] : pair[x]].reshape(-1, count[x], 1), out=total[:-1])
        np.add(cost[-1], entry[here], out=total[-1])
        cost = np.minimum.reduce(total, axis=0)
        back[here] = (total == cost).argmax(axis=0)
        cost += node[here]
    state = cost.argmin(axis=0)
    path = np.empty((width, rows), np.intp)
    index = np.arange(rows)
    for x in range(width - 1, -1, -1):
        path[x] = state
        state = back[begin[x] + state, index]
    path = path.T
    gap = path == states - 1
    path[gap] = 0
    columns = np.arange(width)
    top, bottom, centre = (np.where(gap, np.nan, v[columns, path]) for v in (runs.top, runs.bottom, runs.centre))
    start = np.argmin(gap, axis=1)
    stop = width - 1 - np.argmin(gap[:, ::-1], axis=1)
    return RowTraces(zero, top, bottom, centre, start, stop)


def _select(rows: RowTraces, pixels_per_mm: float) -> RowTraces:
    """The rows that are traces: long, without many holes, smooth, and not the same ink twice."""
    width = rows.centre.shape[1]
    seen = np.isfinite(rows.centre)
    whole = ndimage.binary_closing(seen, np.ones((1, 2 * round(0.6 * pixels_per_mm) + 1)))
    # the stretch between the first and last 5 mm that are mostly ink; a speck beside the trace is no part of it
    filled = ndimage.uniform_filter1d(whole.astype(np.float32), max(3, round(5 * pixels_per_mm)), axis=1) > 0.7
    length, fill, rough = np.zeros(len(rows)), np.zeros(len(rows)), np.full(len(rows), np.inf)
    for row in np.flatnonzero(filled.any(axis=1)):
        reach = round(2.5 * pixels_per_mm)
        first = max(0, int(np.argmax(filled[row])) - reach)
        last = width - 1 - int(np.argmax(filled[row, ::-1])) + reach
        inked = np.flatnonzero(seen[row, first : last + 1]) + first
        rows.start[row], rows.stop[row] = inked[0], inked[-1]
        length[row] = (inked[-1] - inked[0]) / pixels_per_mm
        fill[row] = whole[row, inked[0] : inked[-1] + 1].mean()
        top, bottom = rows.top[row, inked], rows.bottom[row, inked]
        step = np.maximum(top[1:] - bottom[:-1], top[:-1] - bottom[1:])
        rough[row] = np.sum(step > 0.5 * pixels_per_mm + 0.3 * np.diff(inked)) / max(length[row], 1.0)
    good = (length > 40.0) & (fill > 0.6) & (rough < ROUGHEST)
    good &= length > 0.4 * length[good].max(initial=0.0)
    if not good.any():
        return rows.keep(good)
    score = fill * length / length.max() - 3.0 * rough
    good &= score > 0.5 * score[good].max()
    # of two candidates that follow the same ink the better one stays; of equals the one that began at its level
    level = np.array([_mode(y, pixels_per_mm) for y in rows.centre])
    kept: list[int] = []
    for row in sorted(np.flatnonzero(good), key=lambda r: 1e-3 * abs(level[r] - rows.zero[r]) - score[r]):
        both = seen[row] & seen[kept]
        same = np.sum(np.abs(rows.centre[row] - rows.centre[kept]) < 1.0, axis=1) / np.maximum(both.sum(axis=1), 1)
        if np.all(same < 0.3):
            kept.append(int(row))
    chosen = rows.keep(np.array(kept))
    chosen.zero = level[kept]
    # what began in a line of text and fell into a trace further on is at that trace's level in the end
    better = [np.all(np.abs(chosen.zero[:i] - level) > 3.0 * pixels_per_mm) for i, level in enumerate(chosen.zero)]
    chosen = chosen.keep(np.array(better))
    return chosen.keep(np.argsort(chosen.zero))


def _missing_levels(zero: NDArray[np.float64], pixels_per_mm: float) -> NDArray[np.float64]:
    """y where rows that are otherwise equally spaced leave one or two out: those whose traces wander away from there."""
    gaps = np.diff(zero)
    if gaps.size < 3:
        return np.zeros(0)
    pitch = float(np.median(gaps))
    steps = np.round(gaps / pitch).astype(int)
    even = np.abs(gaps - steps * pitch) < 0.25 * pitch
    if np.mean(even & (steps == 1)) < 0.6:
        return np.zeros(0)
    pieces = [
        top + (bottom - top) * np.arange(1, count) / count
        for top, bottom, count in zip(zero[:-1], zero[1:], steps, strict=True)
        if 2 <= count <= 3
    ]
    return np.concatenate(pieces) if pieces else np.zeros(0)


def _completed(rows: RowTraces, more: RowTraces, pixels_per_mm: float) -> RowTraces:
    """``rows`` and those of ``more`` that are about as long and mostly follow ink of their own."""
    start, stop = int(np.median(rows.start)), int(np.median(rows.stop))
    seen = np.isfinite(more.centre)
    kept = []
    for row in range(len(more)):
        same = np.sum(np.abs(more.centre[row] - rows.centre) < 1.0, axis=1) / max(seen[row].sum(), 1)
        if seen[row, start : stop + 1].mean() > 0.5 and np.all(same < 0.5):
            kept.append(row)
    more = more.keep(np.array(kept, np.intp))
    more.start, more.stop = np.maximum(more.start, start), np.minimum(more.stop, stop)
    names = ("zero", "top", "bottom", "centre", "start", "stop")
    both = RowTraces(*(np.concatenate([getattr(rows, name), getattr(more, name)]) for name in names))
    return both.keep(np.argsort(both.zero))


def _mode(values: NDArray[np.float32], pixels_per_mm: float) -> float:
    """The most frequent level of a trace, to about a tenth of a millimetre."""
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan
    size = 0.1 * pixels_per_mm
    edges = np.arange(values.min() - size, values.max() + 2 * size, size)
    counts, edges = np.histogram(values, edges)
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 4.0)
    peak = int(np.argmax(smooth))
    return float(0.5 * (edges[peak] + edges[peak + 1]))
