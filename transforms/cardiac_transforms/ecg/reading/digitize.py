"""From the traces of a page to millivolts and seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardiac_transforms.ecg.leads import DURATION, LEADS, LeadBox
from cardiac_transforms.ecg.reading.curve import trace_points
from cardiac_transforms.ecg.reading.identify import contradictions
from cardiac_transforms.ecg.reading.layout import PageLayout
from cardiac_transforms.ecg.reading.quality import doubts

LONGEST_GAP = 3.0
"""mm without ink that are bridged by a straight line; longer gaps stay NaN."""
NOISE = 0.15
"""mm by which every trace may be wrong: the pen's thickness and the page's pixels."""
ALIKE, LAG = 0.5, 0.06
"""Correlation of a strip with its lead among the twelve below which it is another's; seconds that it may be misplaced."""
EDGE = 0.6
"""mm on either side of the border of two columns where a long stroke is a separator."""


@dataclass
class DigitizedECG:
    """Signals read from a page.

    Attributes:
        signals: float32 ``[12, T]`` in mV, order :data:`cardiac_transforms.ecg.LEADS`; NaN where nothing is printed or
        legible. rate: Hz.
        quality: ``[12]`` 0 to 1 per lead, 0 for a lead that is not on the page. The product of the share of what is printed
            that has ink without breaks; the share that the signal has in the energy of itself and of what the trace may be
            wrong by (:mod:`cardiac_transforms.ecg.reading.quality`); and how well the limb leads obey Einthoven's and
            Goldberger's relations.
        start: ``[12]`` seconds at which the lead's samples begin, NaN for a missing lead.
        stop: ``[12]`` seconds at which they end.
    """

    signals: NDArray[np.float32]
    rate: float
    quality: NDArray[np.float32]
    start: NDArray[np.float32]
    stop: NDArray[np.float32]


def digitize(layout: PageLayout, ink: NDArray[np.float32], pixels_per_mm: float, rate: float = 500.0) -> DigitizedECG:
    """Read the signals of a page whose leads have been found.

    A lead that also has a rhythm strip is read from the strip, and from its stretch among the twelve where the strip
    is illegible, or altogether if the strip plainly shows another lead. An amplitude of 0 is the row's zero line.

    Args:
        layout: from :func:`cardiac_transforms.ecg.reading.layout.find_leads`.
        ink: ``[H, W]`` that it was found in.
        pixels_per_mm: of the page.
        rate: samples per second wanted, in Hz. A page holds ``pixels_per_mm * layout.speed`` columns per second.

    Returns:
        Ten seconds of twelve leads, ``T = 10 rate``.

    Raises:
        ValueError: the page has no layout.
    """
    if layout.layout is None:
        raise ValueError(f"There is nothing to digitise: {layout.reason}")
    count = round(DURATION * rate)
    signals = np.full((12, count), np.nan, np.float32)
    quality = np.zeros(12, np.float32)
    lines = trace_points(layout.rows, pixels_per_mm)
    lengths = layout.rows.bottom - layout.rows.top
    wrong = np.hypot(doubts(layout.rows, ink, pixels_per_mm), NOISE)
    order = sorted(zip(row_indices(layout), layout.boxes, strict=True), key=lambda item: not item[1].rhythm)
    for row, box in order:
        x, y = lines[row]
        at = slice(max(0, int(box.box[0])), int(box.box[2]) + 1)
        keep = _inside(x, box, lengths[row], pixels_per_mm)
        values = _sample(x[keep], y[keep], box, layout, pixels_per_mm, count, rate)
        lead = LEADS.index(box.lead.removeprefix("-"))
        if not box.rhythm and _likeness(signals[lead], values, rate) < ALIKE:
            signals[lead], quality[lead] = np.nan, 0.0  # the strip shows another lead
        fresh = np.isnan(signals[lead])
        signals[lead, fresh] = values[fresh]
        top, bottom = layout.rows.top[row, at], layout.rows.bottom[row, at]
        # a break is a missing column, or two neighbouring columns whose ink does not touch
        whole = (top[1:] <= bottom[:-1] + 1.0) & (bottom[1:] >= top[:-1] - 1.0)
        if whole.size and keep.any():
            errors = np.square(wrong[row, at]).mean()
            energy = np.var(y[keep] / pixels_per_mm)
            quality[lead] = max(quality[lead], whole.mean() * energy / (energy + errors))
    for group in _simultaneous(layout):
        agreement = _agreement(signals, group, rate)
        quality[list(group)] *= agreement
    known = ~np.isnan(signals)
    any_known = known.any(axis=1)
    start = np.where(any_known, known.argmax(axis=1) / rate, np.nan)
    stop = np.where(any_known, (count - known[:, ::-1].argmax(axis=1)) / rate, np.nan)
    quality[~any_known] = 0.0
    return DigitizedECG(signals, rate, quality, start.astype(np.float32), stop.astype(np.float32))


def row_indices(layout: PageLayout) -> list[int]:
    """The row of the page, counted from 0, in which each of ``layout.boxes`` lies."""
    zero = layout.rows.zero
    middles = sorted({0.5 * (b.box[1] + b.box[3]) for b in layout.boxes})
    if len(middles) == zero.size:
        return [middles.index(0.5 * (b.box[1] + b.box[3])) for b in layout.boxes]
    return [int(np.abs(zero - 0.5 * (b.box[1] + b.box[3])).argmin()) for b in layout.boxes]


def _inside(
    x: NDArray[np.float64], box: LeadBox, lengths: NDArray[np.float32], pixels_per_mm: float
) -> NDArray[np.bool_]:
    """Which points of a row are this stretch's, without the strokes that separate it from its neighbours."""
    inside = (x >= box.box[0]) & (x <= box.box[2])
    near = np.minimum(np.abs(x - box.box[0]), np.abs(x - box.box[2])) < EDGE * pixels_per_mm
    tall = np.nan_to_num(lengths[np.clip(np.round(x).astype(int), 0, lengths.size - 1)]) > 3.0 * pixels_per_mm
    return inside & ~(near & tall)


def _sample(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    box: LeadBox,
    layout: PageLayout,
    pixels_per_mm: float,
    count: int,
    rate: float,
) -> NDArray[np.float64]:
    """``[T]`` mV at every sample, NaN outside the stretch and in long gaps."""
    out = np.full(count, np.nan)
    if x.size < 2:
        return out
    zero = 0.5 * (box.box[1] + box.box[3])
    millivolts = (zero - y) / (layout.gain * pixels_per_mm) * (-1.0 if box.lead.startswith("-") else 1.0)
    times = np.arange(count) / rate
    places = box.box[0] + (times - box.start) * layout.speed * pixels_per_mm
    wanted = (times >= box.start - 1e-6) & (times < box.stop - 1e-6)
    after = np.clip(np.searchsorted(x, places), 1, x.size - 1)
    limit = LONGEST_GAP * pixels_per_mm
    legible = (x[after] - x[after - 1] <= limit) & (places > x[0] - limit / 2) & (places < x[-1] + limit / 2)
    wanted &= legible
    out[wanted] = np.interp(places[wanted], x, millivolts)
    return out


def _likeness(strip: NDArray[np.float32], column: NDArray[np.float64], rate: float) -> float:
    """Correlation of two readings ``[T]`` of a lead, the best of small shifts; 1 where they are not both legible."""
    found = []
    for shift in range(-round(LAG * rate), round(LAG * rate) + 1, 2):
        both = np.stack([np.roll(strip, shift), column])
        both = both[:, np.isfinite(both).all(axis=0)]
        if both.shape[1] < rate / 2 or both.std(axis=1).min() == 0.0:
            return 1.0
        found.append(np.corrcoef(both)[0, 1])
    return float(max(found))


def _simultaneous(layout: PageLayout) -> list[tuple[int, ...]]:
    """Indices of limb leads that are printed at the same time, at least three together."""
    groups: dict[float, list[int]] = {}
    for box in layout.boxes:
        lead = LEADS.index(box.lead.removeprefix("-"))
        if lead < 6 and not box.rhythm:
            groups.setdefault(round(box.start, 2), []).append(lead)
    return [tuple(group) for group in groups.values() if len(group) >= 3]


def _agreement(signals: NDArray[np.float32], group: tuple[int, ...], rate: float) -> float:
    """1 where the leads' relations hold, 0 where what breaks them is as strong as the signals."""
    both = signals[list(group)]
    both = both[:, ~np.isnan(both).any(axis=0)].astype(np.float64)
    if both.shape[1] < rate / 4:
        return 1.0
    both -= both.mean(axis=1, keepdims=True)
    relations = contradictions(tuple(LEADS[lead] for lead in group))
    wrong = np.square(relations @ both).sum() / len(relations)
    energy = np.square(both).sum() / len(group)
    return float(np.clip(1.0 - wrong / max(energy, 1e-12), 0.0, 1.0))
