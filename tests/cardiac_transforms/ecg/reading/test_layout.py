import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS
from cardiac_transforms.ecg.reading.ink import trace_ink
from cardiac_transforms.ecg.reading.layout import FURTHER_LAYOUTS, find_leads
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals

SCALE = 4.0
SIGNALS = made_up_signals(seed=3)


def overlap(a, b):
    """Intersection over union of two boxes."""
    wide, tall = (min(a[k + 2], b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    both = max(wide, 0.0) * max(tall, 0.0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def read(page):
    return find_leads(trace_ink(page.image, page.pixels_per_mm), page.pixels_per_mm)


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), *FURTHER_LAYOUTS], ids=lambda layout: layout.name)
def test_every_layout_is_told_from_the_others(layout):
    page = draw_page(SIGNALS, 500.0, layout, pixels_per_mm=SCALE)
    found = read(page)
    assert found.layout == layout
    assert found.calibrated
    assert [(b.lead, b.rhythm) for b in found.boxes] == [(b.lead, b.rhythm) for b in page.boxes]
    assert min(overlap(a.box, b.box) for a, b in zip(found.boxes, page.boxes, strict=True)) > 0.85
    assert np.abs([a.start - b.start for a, b in zip(found.boxes, page.boxes, strict=True)]).max() < 0.05


@pytest.mark.parametrize("name", ["3x4+1", "6x2", "6x2 Cabrera", "3x4+3"])
def test_leads_are_found_without_names_pulse_and_header(name):
    page = draw_page(
        SIGNALS,
        500.0,
        LAYOUTS[name],
        pixels_per_mm=SCALE,
        labels=False,
        pulse=False,
        header=False,
        grid=(150, 150, 150),
    )
    found = read(page)
    assert found.layout == LAYOUTS[name]
    assert not found.calibrated
    assert (found.speed, found.gain) == (25.0, 10.0)
    assert min(overlap(a.box, b.box) for a, b in zip(found.boxes, page.boxes, strict=True)) > 0.85


@pytest.mark.parametrize(("gain", "speed", "seconds"), [(5.0, 25.0, 10.0), (20.0, 25.0, 10.0), (10.0, 50.0, 5.0)])
def test_gain_and_speed_come_from_the_pulse(gain, speed, seconds):
    layout = LAYOUTS["3x4+1"]
    page = draw_page(
        SIGNALS[:, : round(500 * seconds)], 500.0, layout, pixels_per_mm=SCALE, gain=gain, speed=speed, seconds=seconds
    )
    found = read(page)
    assert (found.gain, found.speed, found.calibrated) == (gain, speed, True)


def test_a_rhythm_strip_is_named_after_the_lead_that_it_repeats():
    layout = LAYOUTS["3x4+1"]
    strip = type(layout)("3x4+1", layout.rows, ("V1",))
    assert read(draw_page(SIGNALS, 500.0, strip, pixels_per_mm=SCALE, labels=False)).layout == strip


def test_a_rhythm_strip_of_v1_does_not_speak_for_another_order_of_the_limb_leads():
    layout = LAYOUTS["3x4+1"]
    strip = type(layout)("3x4+1", layout.rows, ("V1",))
    page = draw_page(SIGNALS, 500.0, strip, pixels_per_mm=SCALE, labels=False, pulse=False, header=False)
    found = read(page)
    assert found.layout == strip
    assert found.confidence > 0.6


def test_a_page_cut_off_at_the_right_keeps_its_times():
    page = draw_page(SIGNALS, 500.0, LAYOUTS["3x4+1"], pixels_per_mm=SCALE)
    cut = round(page.boxes[3].box[0] + 0.6 * (page.boxes[3].box[2] - page.boxes[3].box[0]))
    found = find_leads(trace_ink(page.image[:, :cut].copy(), SCALE), SCALE)
    assert found.layout == LAYOUTS["3x4+1"]
    last = next(b for b in found.boxes if b.lead == "V4")
    assert (last.start, last.stop) == pytest.approx((7.5, 9.0), abs=0.06)


def test_what_is_no_ecg_is_refused_with_a_reason():
    rng = np.random.default_rng(0)
    for image in (
        np.full((400, 600, 3), 255, np.uint8),
        rng.integers(0, 256, (400, 600, 3), dtype=np.uint8),
        np.zeros((1, 1, 3), np.uint8),
    ):
        found = find_leads(trace_ink(image, SCALE), SCALE)
        assert found.layout is None
        assert found.confidence == 0
        assert found.reason.endswith(".")
        assert found.boxes == []


def test_a_page_of_text_is_refused():
    page = draw_page(SIGNALS[:, :2], 500.0, LAYOUTS["3x4"], pixels_per_mm=SCALE, seconds=0.004, pulse=False)
    assert find_leads(trace_ink(page.image, SCALE), SCALE).layout is None


def test_the_signals_of_every_lead_are_in_order():
    assert LEADS[:3] == ("I", "II", "III")
    assert np.allclose(SIGNALS[1], SIGNALS[0] + SIGNALS[2], atol=1e-5)
