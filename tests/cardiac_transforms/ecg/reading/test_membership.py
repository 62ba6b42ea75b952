import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS
from cardiac_transforms.ecg.reading.evidence import row_heights
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import find_leads
from cardiac_transforms.ecg.reading.membership import beat_distance, likeness, row_choices
from cardiac_transforms.ecg.reading.rows import find_rows
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals

SCALE = 4.0
SIGNALS = made_up_signals(seed=3, heart_rate=60.0)


def rows_of(page):
    rows = find_rows(trace_ink(page.image, SCALE), SCALE)
    return rows, row_heights(rows, SCALE)


def with_line(page, y, thickness=1.5):
    """The page with the dark edge of something lying on it, y and thickness in mm."""
    image = page.image.copy()
    image[round(y * SCALE) : round((y + thickness) * SCALE), 20:-20] = 20
    page.image = image
    return page


def test_a_dark_edge_is_unlike_the_rows_that_show_one_heart():
    page = with_line(draw_page(SIGNALS, 500.0, LAYOUTS["3x4+1"], pixels_per_mm=SCALE, header=False), 4.0)
    rows, heights = rows_of(page)
    assert len(rows) == 5
    similar = likeness(rows, heights, SCALE)
    assert similar[0] < 0.3
    assert similar[1:].min() > 0.7


def test_the_best_choice_leaves_out_what_is_unlike():
    page = with_line(draw_page(SIGNALS, 500.0, LAYOUTS["3x4+1"], pixels_per_mm=SCALE, header=False), 4.0)
    rows, heights = rows_of(page)
    choices = list(row_choices(rows, likeness(rows, heights, SCALE), {3, 4, 6}))
    assert {chosen.size for chosen, _ in choices} == {3, 4}
    best, penalty = min(choices, key=lambda choice: choice[1])
    assert best.tolist() == [1, 2, 3, 4]
    assert penalty < 0.1


@pytest.mark.parametrize("speed", [25.0, 50.0])
def test_beats_are_as_far_apart_as_the_heart_rate_and_the_paper_say(speed):
    page = draw_page(SIGNALS, 500.0, LAYOUTS["6x2"], pixels_per_mm=SCALE, speed=speed, seconds=5.0)
    assert beat_distance(rows_of(page)[1], SCALE) == pytest.approx(speed, rel=0.1)


@pytest.mark.parametrize("name", ["3x4", "3x4+3", "6x2"])
def test_edges_above_and_below_the_rows_do_not_change_the_layout(name):
    page = draw_page(SIGNALS, 500.0, LAYOUTS[name], pixels_per_mm=SCALE, header=False)
    height = page.image.shape[0] / SCALE
    ink = trace_ink(with_line(with_line(page, 3.0), height - 5.0).image, SCALE)
    found = find_leads(ink, SCALE)
    assert found.layout == LAYOUTS[name]
    assert len(found.rows) == LAYOUTS[name].row_count
    zeros = [0.5 * (box.box[1] + box.box[3]) for box in page.boxes]
    assert np.abs([0.5 * (b.box[1] + b.box[3]) - z for b, z in zip(found.boxes, zeros, strict=True)]).max() < SCALE


def test_a_lead_that_wanders_into_its_neighbours_is_still_a_row():
    signals = SIGNALS.copy()
    t = np.arange(signals.shape[1]) / 500.0
    # V4 starts half way up to V3's line, falls past V5's and comes back slowly, as after a bad contact
    signals[9] += np.where(t < 1.5, 3.6, -4.2 * np.exp(-(t - 1.5) / 12.0))
    page = draw_page(signals, 500.0, LAYOUTS["12x1"], pixels_per_mm=SCALE, gain=5.0, header=False)
    found = find_leads(trace_ink(page.image, SCALE), SCALE)
    assert found.layout == LAYOUTS["12x1"]
    middles = [[0.5 * (b.box[1] + b.box[3]) for b in boxes] for boxes in (found.boxes, page.boxes)]
    assert np.abs(np.subtract(*middles)).max() < 2.0 * SCALE


def test_paper_of_fifty_mm_per_s_without_a_pulse():
    """The columns of 1.25 s are no usual time at 25 mm/s, and 30 beats per minute no usual rate."""
    page = draw_page(
        SIGNALS, 500.0, LAYOUTS["3x4+3"], pixels_per_mm=SCALE, speed=50.0, seconds=10.0, pulse=False, header=False
    )
    found = find_leads(trace_ink(page.image, SCALE), SCALE)
    assert found.layout == LAYOUTS["3x4+3"]
    assert found.speed == 50.0
    assert not found.calibrated
