"""How many pixels a millimetre has on a page without a grid: from the calibration pulse and the length of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cardiac_transforms.ecg.leads import DURATION
from cardiac_transforms.ecg.reading.layout import SPEED
from cardiac_transforms.ecg.reading.pulse_shape import PulseShape, find_pulse_shape
from cardiac_transforms.ecg.reading.rows import find_rows
from cardiac_transforms.ecg.reading.tiles import NARROWEST_MM, WIDEST_MM

USUAL_ROW = DURATION * SPEED
"""mm: ten seconds at 25 mm/s, or five at 50."""
_LONG = 0.06
"""Share of the longer side from which connected ink is taken for a piece of a trace."""
_WIDE = 0.5
"""Share of the picture's width that the traces span, if they are whole."""
_BREAK = 0.004
"""Share of the longer side over which breaks of a trace are closed on either side."""
_SNAP = (0.03, 0.015)
"""Relative deviations from the usual length, and from a whole number of half seconds, up to which the rows say more than the
pulse, which is much shorter than they are."""
_PORTRAIT = {279.4 / 215.9: 215.9, 297.0 / 210.0: 210.0}
"""Height over width of Letter and A4, and the width in mm."""
_FILL = 1.02
"""How much wider than the paper a scan of it is."""


@dataclass(frozen=True)
class Scale:
    """The size of a page.

    Attributes:
        pixels_per_mm: along both axes.
        source: what told it, ``pulse`` or ``rows``.
        turns: quarter turns anticlockwise that may set the page upright.
    """

    pixels_per_mm: float
    source: str
    turns: tuple[int, ...]


@dataclass(frozen=True)
class _Rows:
    """Rows of traces in pixels: y of the zero lines, first and last column, and which columns have ink, 0 to 1."""

    zero: NDArray[np.float64]
    start: float
    stop: float
    seen: NDArray[np.float64]
    rough: float

    def upside_down(self, shape: tuple[int, int]) -> _Rows:
        """The same on the page of ``shape`` (height, width) turned upside down."""
        last = shape[1] - 1
        return _Rows(shape[0] - 1 - self.zero[::-1], last - self.stop, last - self.start, self.seen[::-1], self.rough)


def measure_scale(ink: NDArray[np.float32]) -> Scale | None:
    """The scale of a straight page that stands upright, on its head or on a side.

    Args:
        ink: ``[H, W]``, 0 for paper to 1 for ink.

    Returns:
        The scale, ``None`` where there are no rows of traces.
    """
    by_rows: dict[float, Scale] = {}
    for side in (0, 1):
        view = np.ascontiguousarray(np.rot90(ink, side))
        rows = _find_rows(view)
        if rows is None:
            continue
        for turns, upright, seen in (
            (side, view, rows),
            (side + 2, np.ascontiguousarray(view[::-1, ::-1]), rows.upside_down(view.shape)),
        ):
            pulse = find_pulse_shape(upright, seen.zero, seen.start, seen.stop, seen.rough)
            scale = None if pulse is None else _by_pulse(pulse, seen, max(ink.shape))
            if scale is not None:
                return Scale(scale, "pulse", (turns,))
        length = rows.stop - rows.start
        by_rows[len(rows.zero) * length] = Scale(_by_rows(length, view.shape), "rows", (side, side + 2))
    return by_rows[max(by_rows)] if by_rows else None


def _find_rows(ink: NDArray[np.float32]) -> _Rows | None:
    """The rows of traces, by the guess that what is connected and long spans as much as rows usually do."""
    side, dark = max(ink.shape), ink > 0.5
    span = _span(dark, _LONG * side)
    if span < _WIDE * ink.shape[1]:  # a threshold broke the traces
        span = _span(ndimage.maximum_filter1d(dark, 2 * round(_BREAK * side) + 1, axis=1), _LONG * side)
    if not span:
        return None
    rough = span / USUAL_ROW
    rows = find_rows(ink, rough)
    if not len(rows):
        return None
    start, stop = float(np.median(rows.start)), float(np.median(rows.stop))
    return _Rows(rows.zero, start, stop, np.isfinite(rows.centre).mean(axis=0), rough)


def _span(dark: NDArray[np.bool_], least: float) -> int:
    """From the first to the last column of what is connected and longer than ``least`` pixels; 0 where nothing is."""
    labels, _ = ndimage.label(dark, np.ones((3, 3)))
    ends = [(place[1].start, place[1].stop) for place in ndimage.find_objects(labels)]
    first, last = np.array([pair for pair in ends if pair[1] - pair[0] > least] or [(0, 0)]).T
    return int(last.max() - first.min())


def _by_pulse(pulse: PulseShape, rows: _Rows, side: int) -> float | None:
    """Pixels per mm of the usual machine whose rows would be of the most usual length."""
    best: tuple[float, float] | None = None
    for scale, speed, gain in pulse.scales():
        if not NARROWEST_MM < side / scale < WIDEST_MM:
            continue
        length = _trace_length(pulse, rows, scale)
        odd = abs(float(np.log(length / scale / USUAL_ROW))) + 0.1 * (speed != SPEED) + 0.1 * (gain != 10.0)
        if best is None or odd < best[0]:
            best = odd, _by_length(length, scale, speed)
    return None if best is None else best[1]


def _by_length(length: float, scale: float, speed: float) -> float:
    """The scale that makes ``length`` pixels a usual length, if that is near ``scale``, which the shorter pulse told."""
    half_second = 0.5 * speed
    lengths = (USUAL_ROW, half_second * max(1, round(length / scale / half_second)))
    for usual, slack in zip(lengths, _SNAP, strict=True):
        if abs(length / usual / scale - 1) < slack:
            return length / usual
    return scale


def _trace_length(pulse: PulseShape, rows: _Rows, scale: float) -> float:
    """Length of the rows without the pulse, in pixels."""
    near, margin = round(4.0 * scale), 0.5 * scale
    seen = rows.seen if pulse.before else rows.seen[::-1]
    last = len(seen) - 1
    edge = pulse.right if pulse.before else last - pulse.left
    behind = round(edge + margin)
    # the traces begin at the gap behind the pulse, or where its edge ends
    empty = np.flatnonzero(seen[behind : behind + near] < 0.4)
    start = behind + (empty[-1] + 1 if empty.size else margin)
    return (rows.stop if pulse.before else last - rows.start) - start


def _by_rows(length: float, shape: tuple[int, int]) -> float:
    """Pixels per mm of a page of ``shape`` (height, width) by the length of its rows alone.

    Rows are 250 mm long where the paper is wide enough; on a portrait page they are as many half seconds as fit its width.
    """
    aspect = shape[0] / shape[1]
    if aspect < 1.1:
        return length / USUAL_ROW
    width = _PORTRAIT[min(_PORTRAIT, key=lambda usual: abs(usual - aspect))] * _FILL
    step = 0.5 * SPEED
    return length / (step * round(length / shape[1] * width / step))
