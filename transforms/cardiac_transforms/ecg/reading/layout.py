"""Which leads a rectified page shows, and where.

Rows come from the traces; columns follow from the paper speed, since a column's width in millimetres is its time times
the speed; what is left open (where the record starts, 6x2 or 3x4 with three rhythm strips, standard or Cabrera order)
is decided by the names at the columns' starts, the breaks of the traces between columns, and by electrocardiography
(:mod:`.identify`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cardiac_transforms.ecg.leads import DURATION, LAYOUTS, LEADS, Layout, LeadBox
from cardiac_transforms.ecg.reading.evidence import Evidence, gather, row_heights
from cardiac_transforms.ecg.reading.membership import LIKELY, beat_distance, likeness, row_choices
from cardiac_transforms.ecg.reading.pulse import Pulse, find_pulse
from cardiac_transforms.ecg.reading.rows import RowTraces, find_rows
from cardiac_transforms.ecg.reading.tips import with_tips

SPEED, GAIN = 25.0, 10.0
"""mm/s and mm/mV that are usual, and assumed where neither a calibration pulse nor the beats say otherwise."""
FURTHER_LAYOUTS = (
    Layout("3x4+2", LAYOUTS["3x4"].rows, ("II", "V1")),
    Layout("6x1 limb leads", tuple((lead,) for lead in LEADS[:6])),
    Layout("6x1 chest leads", tuple((lead,) for lead in LEADS[6:])),
)
"""Arrangements that are read besides :data:`cardiac_transforms.ecg.LAYOUTS`; the last two are half a record."""
_ALL_LAYOUTS = (*LAYOUTS.values(), *FURTHER_LAYOUTS)
PRIORS = {"3x4+1": 0.1, "3x4": 0.1, "6x2": 0.05, "3x4+3": 0.05, "6x1 limb leads": -0.1, "6x1 chest leads": -0.15}
PRIORS |= {name: -0.3 for name in LAYOUTS if name.endswith("Cabrera")}
"""How much more than others an arrangement is expected, on the scale of the scores."""
SHORT_RECORD = -0.25
"""The same for rows of less than ten seconds at 25 mm/s."""
FAST_PAPER = -0.25
"""The same for 50 mm/s where there is no pulse."""
USUAL_RATE = 75.0
"""Beats per minute."""
RHYTHM_LEADS = ("II", "V1", "V5")
"""Leads that machines print as rhythm strips."""
UNUSUAL_RHYTHM = 0.15
"""What is taken off for a rhythm strip of another lead than the usual one."""
STRIP_LAG = 1.5
"""mm by which a rhythm strip may be earlier or later than the leads above it."""
START_STEP = 0.5
"""mm between the starts of the record that are tried."""
MOST_CHOICES = 6
"""Sets of rows that are tried, from the likeliest."""
_NAMES, _RELATIONS = 0.8, 1.0
"""What lead names and the leads' relations add to a score at most."""


@dataclass
class PageLayout:
    """What a page was found to show.

    Attributes:
        layout: arrangement, ``None`` where there is none.
        boxes: one per stretch of a lead that is on the page, in reading order, in pixels of the page.
        speed: mm/s.
        gain: mm/mV.
        calibrated: whether speed and gain come from a calibration pulse; otherwise the gain is the usual 10 and the
            speed the likelier one of 25 and 50 by layout and heart rate.
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
class _Hypothesis:
    """What a page may show: an arrangement of some of its rows from a column on, for some seconds."""

    score: float
    layout: Layout
    start: float
    seconds: float
    speed: float
    penalty: float
    evidence: Evidence


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
    rows = with_tips(rows, ink, pixels_per_mm)
    heights = row_heights(rows, pixels_per_mm)
    similar = likeness(rows, heights, pixels_per_mm)
    likely = similar > LIKELY if np.sum(similar > LIKELY) > 1 else np.ones(len(rows), bool)
    first, last = float(np.median(rows.start[likely])), float(np.median(rows.stop[likely]))
    pulse = find_pulse(ink, rows.zero[likely], first, last, pixels_per_mm)
    gain = pulse.gain if pulse else GAIN
    speeds = {pulse.speed: 0.0} if pulse else _speed_priors(beat_distance(heights[likely], pixels_per_mm))
    evidence = gather(ink, rows, heights, likely, pulse, pixels_per_mm)
    choices = sorted(
        row_choices(rows, similar, {layout.row_count for layout in _ALL_LAYOUTS}), key=lambda choice: choice[1]
    )
    best: _Hypothesis | None = None
    for chosen, penalty in choices[:MOST_CHOICES]:
        for speed, prior in speeds.items():
            best = _better(best, evidence.of(chosen), speed, prior, penalty)
    if best is None:
        return replace(
            nothing, pulse=pulse, reason=f"{len(rows)} rows of traces are no arrangement of leads that is known."
        )
    layout, start, seconds, speed, evidence = best.layout, best.start, best.seconds, best.speed, best.evidence
    rows = evidence.rows
    width = seconds * speed * pixels_per_mm
    layout = _named_rhythm(layout, evidence, start, width)
    boxes = _boxes(layout, evidence, start, width, seconds)
    # a page with names, breaks and relations all right scores about 2, and 0.5 by its number of rows alone; that there
    # is writing besides the rows makes the choice of rows harder, but the page no worse
    confidence = float(np.clip((best.score + 0.5 * best.penalty + 0.2) / 1.8, 0.05, 1.0))
    return PageLayout(layout, boxes, speed, gain, pulse is not None, confidence, "", rows, evidence.pulse)


def _speed_priors(distance: float) -> dict[float, float]:
    """How much each paper speed is expected where no pulse tells it, by the heart rate that it makes of the beats'
    ``distance`` in mm."""
    priors = {}
    for speed, expected in ((25.0, 0.0), (50.0, FAST_PAPER)):
        rate = 60.0 * speed / distance if distance > 0.0 else USUAL_RATE
        priors[speed] = expected - min(0.5 * float(np.log(rate / USUAL_RATE)) ** 2, 0.5)
    return priors


def _better(
    best: _Hypothesis | None, evidence: Evidence, speed: float, prior: float, penalty: float
) -> _Hypothesis | None:
    """The best of ``best``, and every layout of this number of rows with every likely start.

    ``prior`` for the speed is added to their scores, ``penalty`` for the choice of the rows taken off.

    Rows hold ten seconds; fewer where they would not fit on the paper, in half seconds.
    """
    scale = evidence.pixels_per_mm
    slack = 4.0 * scale
    layouts = [layout for layout in _ALL_LAYOUTS if layout.row_count == len(evidence.rows)]
    shown = (evidence.stop - evidence.start) / (speed * scale)
    lengths = {min(DURATION, max(2.0, half / 2.0)) for half in (math.floor(2.0 * shown), math.ceil(2.0 * shown))}
    if speed == SPEED or shown > 0.9 * DURATION:
        lengths.add(DURATION)
    places: list[_Hypothesis] = []
    for seconds in sorted(lengths):
        width = seconds * speed * scale
        earliest, latest = sorted((evidence.start, evidence.stop - width))
        if evidence.pulse is not None and evidence.pulse.before:
            earliest = latest = evidence.start
        # a page that is cut off is more frequent than a short record, but for paper that runs fast
        short = SHORT_RECORD if seconds < DURATION and speed == SPEED else 0.0
        starts = np.arange(earliest - slack, latest + slack + 1, START_STEP * scale)
        for layout in layouts:
            scores = prior - penalty + short + _place_scores(layout, evidence, starts, width)
            for score, start in zip(scores.tolist(), starts.tolist(), strict=True):
                places.append(_Hypothesis(score, layout, start, seconds, speed, penalty, evidence))
    # names and relations are dear to compute: only where they can still make a place the best
    for place in sorted(places, key=lambda item: -item.score):
        if best is not None and place.score + _NAMES + _RELATIONS <= best.score:
            break
        step = place.seconds * speed * scale / place.layout.columns
        place.score += _NAMES * _names(place.layout, evidence, place.start, step)
        if best is not None and place.score + _RELATIONS <= best.score:
            continue
        place.score += _RELATIONS * _physiology(place.layout, evidence, place.start, step)
        if best is None or place.score > best.score:
            best = place
    return best


def _place_scores(layout: Layout, evidence: Evidence, start: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """How well a layout whose rows begin at the columns ``start``, ``[N]``, and are ``width`` columns wide fits the traces'
    ends and breaks, ``[N]``."""
    scale = evidence.pixels_per_mm
    stop = start + width
    # traces beyond the record are worse than a record beyond the traces, which may be cut off
    outside = np.maximum(0.0, start - evidence.start) + np.maximum(0.0, evidence.stop - stop)
    missing = np.maximum(0.0, evidence.start - start) + np.maximum(0.0, stop - evidence.stop)
    score = (
        PRIORS.get(layout.name, 0.0) - np.minimum(0.12 * outside / scale, 0.6) - np.minimum(0.03 * missing / scale, 0.5)
    )
    edges = start[:, None] + width / layout.columns * np.arange(1, layout.columns)
    inner = (edges > evidence.start + scale) & (edges < evidence.stop - scale)
    breaks = evidence.breaks[np.where(inner, np.round(edges), 0).astype(int)] * inner
    return score + 0.5 * breaks.sum(axis=1) / np.maximum(inner.sum(axis=1), 1)


def _names(layout: Layout, evidence: Evidence, start: float, step: float) -> float:
    """Share of the stretches at whose start there is a word, at the same distance from the start in all of them."""
    left, row = evidence.name_places
    if not left.size:
        return 0.0
    scale = evidence.pixels_per_mm
    stretches = [(index, column) for index, leads in enumerate(layout.rows) for column in range(len(leads))]
    stretches += [(index, 0) for index in range(len(layout.rows), layout.row_count)]
    index, column = np.array(stretches).T
    offsets = (left - start - column[:, None] * step) / scale
    offsets[row != index[:, None]] = np.inf
    places = np.arange(-3.0, 8.0, 0.5)
    hits = (np.abs(offsets[..., None] - places) < 1.0).any(axis=1)
    return float((hits.mean(axis=0) - 0.02 * np.abs(places - 1.5)).max())


def _physiology(layout: Layout, evidence: Evidence, start: float, step: float) -> float:
    """1 where simultaneous leads obey their relations, about 0 for wrong names, 0.4 where nothing can be checked.

    A single rhythm strip may be any of :data:`RHYTHM_LEADS`.
    """
    if len(layout.rhythm) != 1:
        return _obedience(layout, evidence, start, step)
    return max(
        _obedience(replace(layout, rhythm=(lead,)), evidence, start, step)
        - UNUSUAL_RHYTHM * (lead not in layout.rhythm)
        for lead in RHYTHM_LEADS
    )


def _obedience(layout: Layout, evidence: Evidence, start: float, step: float) -> float:
    """The same for given rhythm strips."""
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


def _named_rhythm(layout: Layout, evidence: Evidence, start: float, width: float) -> Layout:
    """The layout with the rhythm strips' leads replaced where another lead fits them much better than the usual one."""
    if not layout.rhythm:
        return layout
    step = width / layout.columns
    lag = round(STRIP_LAG * evidence.pixels_per_mm)
    names = []
    for row, usual in enumerate(layout.rhythm, len(layout.rows)):
        unlike = {
            lead: evidence.contradiction.unlike(
                index, row, round(start + column * step), round(start + (column + 1) * step), lag
            )
            for index, leads in enumerate(layout.rows)
            for column, lead in enumerate(leads)
            if lead in (usual, *RHYTHM_LEADS)
        }
        best = min(unlike, key=lambda lead: unlike[lead])
        better = unlike[best] < 0.3 and unlike[best] < 0.4 * unlike[usual] and unlike[usual] > 0.4
        names.append(best if better else usual)
    return replace(layout, rhythm=tuple(names))


def _boxes(layout: Layout, evidence: Evidence, start: float, width: float, seconds: float) -> list[LeadBox]:
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
