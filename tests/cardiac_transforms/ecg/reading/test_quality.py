import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS
from cardiac_transforms.ecg.reading.digitize import digitize
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import find_leads
from cardiac_transforms.ecg.reading.quality import doubts
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, level_rows, made_up_signals

SCALE = 8.0


@pytest.mark.parametrize("darkness", [1.0, 0.4])
def test_a_stroke_that_no_trace_took_is_a_doubt_as_high_as_it_is(darkness):
    ink, rows = level_rows(100, 260)
    ink[50:90, 200:203] = darkness
    found = doubts(rows, ink, SCALE)
    np.testing.assert_allclose(found[0, 200:203], (98.5 - 50) / SCALE)
    found[0, 200:203] = 0
    assert not found.any()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(np.s_[60:84, 200:224], 1.0, id="a letter"),
        pytest.param(np.s_[155:195, 200:203], 1.0, id="far from every row"),
        pytest.param(np.s_[90:250, 200:260], 0.2, id="a shadow"),
    ],
)
def test_other_ink_is_no_doubt(place, value):
    ink, rows = level_rows(100, 260)
    ink[place] = np.maximum(ink[place], value)
    assert not doubts(rows, ink, SCALE).any()


def test_a_run_that_two_rows_share_is_a_doubt_for_both():
    ink, rows = level_rows(100, 140)
    ink[99:142, 200] = 1.0
    rows.top[:, 200], rows.bottom[:, 200] = 98.5, 141.5
    found = doubts(rows, ink, SCALE)
    np.testing.assert_allclose(found[:, 200], 0.5 * 40 / SCALE)
    assert not np.delete(found, 200, axis=1).any()


def test_the_quality_of_a_lead_falls_with_the_peaks_that_its_trace_lost():
    page = draw_page(made_up_signals(500.0, seed=5), 500.0, LAYOUTS["3x4"], pixels_per_mm=SCALE)
    ink = trace_ink(page.image, SCALE)
    layout = find_leads(ink, SCALE)
    before = digitize(layout, ink, SCALE).quality
    box = next(b.box for b in layout.boxes if b.lead == "V5")
    row, at = 1, slice(int(box[0]), int(box[2]))
    rows = layout.rows
    high = rows.zero[row] - 2.0 * SCALE
    lost = rows.top[row, at] < high
    assert lost.any()
    rows.top[row, at][lost] = high
    rows.bottom[row, at][lost] = np.maximum(rows.bottom[row, at][lost], high + 3)
    rows.centre[row, at][lost] = 0.5 * (rows.top[row, at] + rows.bottom[row, at])[lost]
    after = digitize(layout, ink, SCALE).quality
    lead = LEADS.index("V5")
    assert after[lead] < before[lead] - 0.15
    np.testing.assert_allclose(np.delete(after, lead), np.delete(before, lead), atol=0.01)
