"""Which leads a rectified page shows, and where.

Rows come from the traces; columns follow from the paper speed, since a column's width in millimetres is its time times
the speed; what is left open (where the record starts, 6x2 or 3x4 with three rhythm strips, standard or Cabrera order)
is decided by the names at the columns' starts, the breaks of the traces between columns, and by electrocardiography
(:mod:`.identify`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import theilslopes

from cardiac_transforms.ecg.leads import DURATION, LAYOUTS, LEADS, Layout, LeadBox
from cardiac_transforms.ecg.reading.curve import trace_points
from cardiac_transforms.ecg.reading.identify import Contradiction, comparable
from cardiac_transforms.ecg.reading.pulse import Pulse, find_pulse
from cardiac_transforms.ecg.reading.rows import RowTraces, find_rows
from cardiac_transforms.ecg.reading.text import find_words

SPEED, GAIN = 25.0, 10.0
"""mm/s and mm/mV that are assumed where no calibration pulse is found."""
FURTHER_LAYOUTS = (
    Layout("3x4+2", LAYOUTS["3x4"].rows, ("II", "V1")),
    Layout("6x1 limb leads", tuple((lead,) for lead in LEADS[:6])),
    Layout("6x1 chest leads", tuple((lead,) for lead in LEADS[6:])),
)
"""Arrangements that are read besides :data:`cardiac_transforms.ecg.LAYOUTS`; the last two are half a record."""
PRIORS = {"3x4+1": 0.1, "3x4": 0.1, "6x2": 0.05, "3x4+3": 0.05, "6x1 limb leads": -0.1, "6x1 chest leads": -0.15}
PRIORS |= {name: -0.3 for name in LAYOUTS if name.endswith("Cabrera")}
"""How much more than others an arrangement is expected, on the scale of the scores."""
SHORT_RECORD = -0.25
"""The same for rows of less than ten seconds at 25 mm/s."""
RHYTHM_LEADS = ("II", "V1", "V5")
"""Leads that machines print as rhythm strips."""
START_STEP = 0.5
"""mm between the starts of the record that are tried."""


@dataclass
class PageLayout:
    """What a page was found to show.

    Attributes:
        layout: arrangement, ``None`` where there is none.
        boxes: one per stretch of a lead that is on the page, in reading order, in pixels of the page.
        speed: mm/s.
        gain: mm/mV.
        calibrated: whether speed and gain come from a calibration pulse; otherwise they are the usual 25 and 10.
        confidence: 0 to 1.
        reason: why there is no layout, or an empty string.
        rows: the traces of the rows, for digitising.
        pulse: the calibration pulse.
    """

    layout: Layout | None
    boxes: list[LeadBox]
    speed: float
    gain: float
    calibrated: bool
    confidence: float
    reason: str
    rows: RowTraces
    pulse: Pulse | None = None


@dataclass
class _Evidence:
    """What was measured on the page, for the scores of the hypotheses; lengths in pixels."""

    rows: RowTraces
    zero: NDArray[np.float64]
    start: float
    stop: float
    words: NDArray[np.float64]
    breaks: NDArray[np.float64]
    contradiction: Contradiction
    pixels_per_mm: float
    certain_start: bool


def find_leads(ink: NDArray[np.float32], pixels_per_mm: float) -> PageLayout:
    """The layout and the lead boxes of a rectified page.

    Args:
        ink: ``[H, W]`` as from :func:`cardiac_transforms.ecg.reading.ink.trace_ink`.
        pixels_per_mm: of the page.

    Returns:
        The layout; where nothing can be read its ``layout`` is ``None``, its ``reason`` says why and its confidence is
        0.
    """
    rows = find_rows(ink, pixels_per_mm)
    nothing = PageLayout(None, [], SPEED, GAIN, False, 0.0, "", rows)
    if not len(rows):
        return replace(nothing, reason="No ECG traces were found on the page.")
    heights = row_heights(rows, pixels_per_mm)
    first, last = float(np.median(rows.start)), float(np.median(rows.stop))
    pulse = find_pulse(ink, rows.zero, first, last, pixels_per_mm)
    speed, gain = (pulse.speed, pulse.gain) if pulse else (SPEED, GAIN)
    if pulse is None and last - first > 1.2 * DURATION * SPEED * pixels_per_mm:
        speed = 50.0
    evidence = _gather(ink, rows, heights, pulse, pixels_per_mm)
    best = max(_hypotheses(evidence, speed), key=lambda item: item[0], default=None)
    if best is None:
        return replace(
            nothing, pulse=pulse, reason=f"{len(rows)} rows of traces are no arrangement of leads that is known."
        )
    score, layout, start, seconds = best
    width = seconds * speed * pixels_per_mm
    layout = _named_rhythm(layout, evidence, start, width)
    boxes = _boxes(layout, evidence, start, width, seconds)
    # a page with names, breaks and relations all right scores about 2.5, and 0.5 by its number of rows alone
    confidence = float(np.clip((score + 0.2) / 2.0, 0.05, 1.0))
    return PageLayout(layout, boxes, speed, gain, pulse is not None, confidence, "", rows, pulse)


def row_heights(rows: RowTraces, pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R, W]``: mm of every row's trace above its zero line at every pixel column; NaN where its ink is missing."""
    columns = np.arange(rows.centre.shape[1])
    heights = np.full(rows.centre.shape, np.nan)
    for row, (x, y) in enumerate(trace_points(rows, pixels_per_mm)):
        if x.size:
            heights[row] = (rows.zero[row] - np.interp(columns, x, y)) / pixels_per_mm
    heights[~np.isfinite(rows.centre)] = np.nan
    return heights


def _gather(
    ink: NDArray[np.float32], rows: RowTraces, heights: NDArray[np.float64], pulse: Pulse | None, pixels_per_mm: float
) -> _Evidence:
    """Measure everything that the hypotheses are judged by."""
    start, stop = float(np.median(rows.start)), float(np.median(rows.stop))
    seen = np.isfinite(rows.centre).mean(axis=0)
    if pulse is not None:
        # the record begins at the gap behind the pulse, or where its falling edge ends
        near = round(4.0 * pixels_per_mm)
        if pulse.before:
            behind = round(pulse.stop + 0.5 * pixels_per_mm)
            empty = np.flatnonzero(seen[behind : behind + near] < 0.4)
            start = float(behind + (empty[-1] + 1 if empty.size else 0.5 * pixels_per_mm))
        else:
            ahead = round(pulse.start - 0.5 * pixels_per_mm)
            empty = np.flatnonzero(seen[max(0, ahead - near) : ahead] < 0.4)
            stop = float(max(0, ahead - near) + empty[0] - 1 if empty.size else ahead - 0.5 * pixels_per_mm)
    touching = (rows.top[:, 1:] <= rows.bottom[:, :-1] + 0.5) & (rows.bottom[:, 1:] >= rows.top[:, :-1] - 0.5)
    breaks = np.concatenate([[0.0], 1.0 - touching.mean(axis=0)])
    breaks = ndimage.maximum_filter1d(breaks, 2 * round(0.75 * pixels_per_mm) + 1)
    return _Evidence(
        rows,
        _zero_lines(rows, pulse, pixels_per_mm),
        start,
        stop,
        find_words(ink, rows, pixels_per_mm),
        breaks - np.median(breaks),
        Contradiction(comparable(heights, pixels_per_mm)),
        pixels_per_mm,
        pulse is not None and pulse.before,
    )


def _zero_lines(rows: RowTraces, pulse: Pulse | None, pixels_per_mm: float) -> NDArray[np.float64]:
    """``[R]`` y of the lines that the machine drew the rows about.

    A signal that wanders spends its time elsewhere. The foot of the calibration pulse lies on the line; without it the
    lines are taken to be equally spaced if most of the rows are.
    """
    zero = rows.zero.copy()
    if pulse is not None:
        feet = pulse.tops + pulse.gain * pixels_per_mm
        zero = np.where(np.isfinite(feet), feet, zero)
    if zero.size < 3:
        return zero
    index = np.arange(zero.size)
    slope, intercept = theilslopes(zero, index)[:2]
    regular = intercept + slope * index
    off = np.abs(zero - regular) > 2.5 * pixels_per_mm
    return np.where(off, regular, zero) if off.mean() <= 0.4 else zero


def _hypotheses(evidence: _Evidence, speed: float) -> Iterator[tuple[float, Layout, float, float]]:
    """Score, layout, the record's first column and its seconds, for every layout of this number of rows and every
    likely start.

    Rows hold ten seconds; fewer where they would not fit on the paper, in half seconds.
    """
    scale = evidence.pixels_per_mm
    slack = 4.0 * scale
    shorter = round(2.0 * (evidence.stop - evidence.start) / (speed * scale)) / 2.0
    for seconds in sorted({DURATION, min(DURATION, max(2.0, shorter))}):
        width = seconds * speed * scale
        earliest, latest = sorted((evidence.start, evidence.stop - width))
        if evidence.certain_start:
            earliest = latest = evidence.start
        starts = np.arange(earliest - slack, latest + slack + 1, START_STEP * scale)
        # a page that is cut off is more frequent than a short record, but for paper that runs fast
        prior = SHORT_RECORD if seconds < DURATION and speed == SPEED else 0.0
        for layout in (*LAYOUTS.values(), *FURTHER_LAYOUTS):
            if layout.row_count == len(evidence.rows):
                for start in starts:
                    yield prior + _score(layout, evidence, float(start), width), layout, float(start), seconds


def _score(layout: Layout, evidence: _Evidence, start: float, width: float) -> float:
    """How well a layout whose rows begin at column ``start`` and are ``width`` columns wide explains the page."""
    scale = evidence.pixels_per_mm
    step = width / layout.columns
    stop = start + width
    # traces beyond the record are worse than a record beyond the traces, which may be cut off
    outside = max(0.0, start - evidence.start) + max(0.0, evidence.stop - stop)
    missing = max(0.0, evidence.start - start) + max(0.0, stop - evidence.stop)
    score = PRIORS.get(layout.name, 0.0) - 0.12 * outside / scale - min(0.03 * missing / scale, 0.5)
    edges = start + step * np.arange(1, layout.columns)
    inner = edges[(edges > evidence.start + scale) & (edges < evidence.stop - scale)]
    if inner.size:
        score += 0.5 * float(np.mean(evidence.breaks[np.round(inner).astype(int)]))
    return score + 0.8 * _names(layout, evidence, start, step) + _physiology(layout, evidence, start, step)


def _names(layout: Layout, evidence: _Evidence, start: float, step: float) -> float:
    """Share of the stretches at whose start there is a word, at the same distance from the start in all of them."""
    scale = evidence.pixels_per_mm
    zero = evidence.rows.zero
    words = evidence.words
    if not words.size:
        return 0.0
    middle = 0.5 * (words[:, 1] + words[:, 3])
    row = np.abs(middle[:, None] - zero).argmin(axis=1)
    pitch = float(np.median(np.diff(zero))) if zero.size > 1 else 40.0 * scale
    near = np.abs(middle - zero[row]) < min(0.75 * pitch, 20.0 * scale)
    found = []
    for index, leads in enumerate([*layout.rows, *((lead,) for lead in layout.rhythm)]):
        own = words[near & (row == index), 0]
        for column in range(len(leads)):
            offsets = (own - start - column * step) / scale
            found.append(offsets[(offsets > -3.0) & (offsets < 8.0)])
    places = np.arange(-3.0, 8.0, 0.5)
    hits = np.array([[np.any(np.abs(offsets - place) < 1.0) for place in places] for offsets in found])
    share = hits.mean(axis=0) - 0.02 * np.abs(places - 1.5)
    return float(share.max())


def _physiology(layout: Layout, evidence: _Evidence, start: float, step: float) -> float:
    """1 where simultaneous leads obey their relations, about 0 for wrong names, 0.4 where nothing can be checked."""
    rhythm = tuple(range(len(layout.rows), layout.row_count))
    total, good = 0, 0.0
    for column in range(layout.columns):
        leads = tuple(row[column] for row in layout.rows) + layout.rhythm
        first, last = start + column * step, start + (column + 1) * step
        first, last = max(first, evidence.start), min(last, evidence.stop)
        if last - first < 0.3 * step:
            continue
        rows = tuple(range(len(layout.rows))) + rhythm
        count, share = evidence.contradiction(rows, leads, round(first), round(last))
        total += count
        good += count * float(np.clip(1.0 - share, -0.5, 1.0))
    return good / total if total else 0.4


def _named_rhythm(layout: Layout, evidence: _Evidence, start: float, width: float) -> Layout:
    """The layout with the rhythm strips' leads replaced where another lead fits them much better than the usual one."""
    if not layout.rhythm:
        return layout
    step = width / layout.columns
    names = []
    for row, usual in enumerate(layout.rhythm, len(layout.rows)):
        shares = {}
        for index, leads in enumerate(layout.rows):
            for column, lead in enumerate(leads):
                if lead not in (usual, *RHYTHM_LEADS):
                    continue
                first, last = round(start + column * step), round(start + (column + 1) * step)
                shares[lead] = evidence.contradiction((index, row), (lead, lead), first, last)[1]
        best = min(shares, key=lambda lead: shares[lead])
        better = shares[best] < 0.3 and shares[best] < 0.4 * shares.get(usual, 1.0) and shares.get(usual, 1.0) > 0.4
        names.append(best if better else usual)
    return replace(layout, rhythm=tuple(names))


def _boxes(layout: Layout, evidence: _Evidence, start: float, width: float, seconds: float) -> list[LeadBox]:
    """The stretches that are on the page, cut to where there are traces if more than 2 mm are missing."""
    scale = evidence.pixels_per_mm
    zero = evidence.zero
    pitch = float(np.median(np.diff(zero))) if zero.size > 1 else 40.0 * scale
    slack = 2.0 * scale
    # where the traces begin or end close by, they know the place better than the steps in which starts were tried
    if abs(evidence.start - start) < slack:
        start = evidence.start
    left = max(evidence.start, start)
    right = evidence.stop if evidence.stop < start + width - slack else start + width
    boxes = []
    for row, lead, begin, end, rhythm in layout.stretches():
        first, last = max(left, start + begin / DURATION * width), min(right, start + end / DURATION * width)
        if last - first > slack:
            box = (first - 0.5, float(zero[row] - pitch / 2), last - 0.5, float(zero[row] + pitch / 2))
            begin, end = (first - start) / width * seconds, (last - start) / width * seconds
            boxes.append(LeadBox(lead, box, begin, end, rhythm))
    return boxes
