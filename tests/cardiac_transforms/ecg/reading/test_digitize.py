from dataclasses import replace

import numpy as np
import pytest

from cardiac_transforms.ecg.leads import DURATION, LAYOUTS, LEADS
from cardiac_transforms.ecg.reading.digitize import digitize
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import find_leads
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals

RATE = 500.0
SIGNALS = made_up_signals(RATE, seed=5)


def read(layout, **options):
    page = draw_page(SIGNALS, RATE, LAYOUTS[layout], **{"pixels_per_mm": 8.0, **options})
    ink = trace_ink(page.image, page.pixels_per_mm)
    return page, digitize(find_leads(ink, page.pixels_per_mm), ink, page.pixels_per_mm)


def printed(page):
    """Which samples of the twelve leads are on the page, ``[12, T]``."""
    shown = np.zeros(SIGNALS.shape, bool)
    for box in page.boxes:
        shown[LEADS.index(box.lead.removeprefix("-")), round(box.start * RATE) : round(box.stop * RATE)] = True
    return shown


@pytest.mark.parametrize(
    ("layout", "options"),
    [
        ("3x4+1", {}),
        ("6x2 Cabrera", {"gain": 5.0}),
        ("3x4", {"pixels_per_mm": 5.0, "line_mm": 0.45, "grid": (150, 150, 150)}),
    ],
)
def test_the_printed_signals_come_back(layout, options):
    page, read_back = read(layout, **options)
    shown = printed(page)
    assert read_back.signals.shape == (12, DURATION * RATE)
    known = np.isfinite(read_back.signals)
    assert (known & shown).sum() > 0.97 * shown.sum()
    assert (known & ~shown).sum() < 0.01 * shown.sum()
    both = known & shown
    for lead in range(12):
        true, found = SIGNALS[lead, both[lead]], read_back.signals[lead, both[lead]]
        # the best of some milliseconds' shifts: a column of the page is 5 to 8 ms
        residue = min(np.std(true[8:-8] - np.roll(found, s)[8:-8]) for s in range(-5, 6))
        assert 20 * np.log10(np.std(true) / residue) > 12, LEADS[lead]
        assert abs(np.mean(true - found)) < 0.05
    assert np.median(read_back.quality) > 0.9
    assert read_back.quality.min() > 0.5  # of a flat lead the pen is a good part


@pytest.mark.parametrize("line_mm", [0.3, 0.5])
def test_signals_come_at_their_time_whatever_the_pen(line_mm):
    """Ink begins half a pen before the signal; undone, that would be a lag of 6 and 10 ms."""
    page, read_back = read("6x2", line_mm=line_mm)
    shown = printed(page)
    lags = []
    for lead in range(12):
        true, found = SIGNALS[lead, shown[lead]], read_back.signals[lead, shown[lead]]
        shifted = [np.nanstd(found[40 + by : found.size - 40 + by] - true[40:-40]) for by in range(-8, 9)]
        lags.append(2.0 * (int(np.argmin(shifted)) - 8))
    assert abs(np.mean(lags)) < 3.0


def test_peaks_keep_their_height():
    page, read_back = read("6x2")
    lead = LEADS.index("V4")
    shown = printed(page)[lead]
    true, found = SIGNALS[lead, shown], read_back.signals[lead, shown]
    assert np.nanmax(found) == pytest.approx(true.max(), abs=0.06)
    assert np.nanmin(found) == pytest.approx(true.min(), abs=0.06)


def test_upside_down_leads_are_turned_and_missing_ones_are_nan():
    page, read_back = read("3x4+1 Cabrera")
    shown = printed(page)[LEADS.index("aVR")]
    assert np.corrcoef(SIGNALS[3, shown][20:-20], read_back.signals[3, shown][20:-20])[0, 1] > 0.9
    outside = read_back.signals[LEADS.index("V1"), : round(4.9 * RATE)]
    assert np.isnan(outside).all()
    assert read_back.start[LEADS.index("V1")] == pytest.approx(5.0, abs=0.1)
    assert read_back.stop[LEADS.index("V1")] == pytest.approx(7.5, abs=0.1)


def test_a_blot_lowers_the_quality_of_its_lead_only():
    page = draw_page(SIGNALS, RATE, LAYOUTS["3x4"], pixels_per_mm=6.0)
    x1, y1, x2, y2 = (round(v) for v in next(b.box for b in page.boxes if b.lead == "V5"))
    image = page.image.copy()
    image[y1:y2, x1 + 60 : (x1 + x2) // 2] = 255
    ink = trace_ink(image, 6.0)
    read_back = digitize(find_leads(ink, 6.0), ink, 6.0)
    lead = LEADS.index("V5")
    assert read_back.quality[lead] < 0.8 < np.delete(read_back.quality, lead).min()
    assert np.isnan(read_back.signals[lead, round(8.1 * RATE) : round(8.5 * RATE)]).all()


def test_a_strip_of_another_lead_does_not_replace_the_lead_that_it_is_taken_for():
    layout = LAYOUTS["3x4+1"]
    page = draw_page(SIGNALS, RATE, replace(layout, rhythm=("V1",)), pixels_per_mm=6.0)
    ink = trace_ink(page.image, 6.0)
    found = find_leads(ink, 6.0)
    found.boxes = [replace(box, lead="II") if box.rhythm else box for box in found.boxes]
    read_back = digitize(found, ink, 6.0)
    known = np.isfinite(read_back.signals[1])
    assert known.sum() == pytest.approx(2.5 * RATE, rel=0.02)
    assert np.corrcoef(read_back.signals[1, known], SIGNALS[1, known])[0, 1] > 0.9
    assert read_back.quality[1] > 0.7


def test_digitising_a_page_without_leads_is_an_error():
    blank = np.zeros((100, 100), np.float32)
    with pytest.raises(ValueError, match="No ECG traces"):
        digitize(find_leads(blank, 8.0), blank, 8.0)
