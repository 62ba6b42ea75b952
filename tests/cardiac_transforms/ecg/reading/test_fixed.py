"""The two reports whose lead boxes are known beforehand."""

import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS
from cardiac_transforms.ecg.reading.digitize import digitize
from cardiac_transforms.ecg.reading.fixed import (
    FIXED_LAYOUTS,
    FIXED_SCALES,
    fixed_layout,
    read_fixed_page,
)
from tests.cardiac_transforms.ecg.reading.drawn_report import RATE, SIGNALS, draw_report


@pytest.mark.parametrize(("name", "lower", "paper"), [("mtecg 6x2", 0.0, "A4"), ("mtecg 3x4", 4.0, "Letter")])
def test_signals_have_the_right_amplitude_and_time(name, lower, paper):
    """The rows of the report need not lie in the middle of the boxes that the study cuts out."""
    reading = read_fixed_page(draw_report(name, lower, paper), name)
    assert reading.found and reading.layout.layout.name == name and reading.layout.confidence > 0.95
    found = reading.signals
    for box in FIXED_LAYOUTS[name]:
        lead, at = LEADS.index(box.lead), slice(round(box.start * RATE) + 15, round(box.stop * RATE) - 15)
        read, true = found.signals[lead, at], SIGNALS[lead, at]
        known = np.isfinite(read)
        assert known.mean() > 0.95, box.lead
        assert np.sqrt(np.mean((read - true)[known] ** 2)) < 0.05, box.lead  # half a millimetre
        assert abs(np.ptp(read[known]) / np.ptp(true) - 1) < 0.08, box.lead
        shifts = range(-6, 7)
        alike = [np.corrcoef(read[known], np.roll(SIGNALS[lead], k)[at][known])[0, 1] for k in shifts]
        assert abs(shifts[int(np.argmax(alike))]) <= 1, box.lead  # 2 ms
    assert not np.isfinite(np.delete(found.signals[LEADS.index("V1")], slice(*_printed(name)))).any()
    assert [b.lead for b in reading.boxes] == [b.lead for b in FIXED_LAYOUTS[name]]
    for ours, theirs in zip(reading.boxes, FIXED_LAYOUTS[name], strict=True):
        moved = np.array(theirs.box) + (0, lower * FIXED_SCALES[name], 0, lower * FIXED_SCALES[name])
        assert ours.box == pytest.approx(moved.tolist(), abs=8)


def _printed(name):
    box = next(box for box in FIXED_LAYOUTS[name] if box.lead == "V1")
    return round(box.start * RATE), round(box.stop * RATE)


def test_other_pictures_are_refused():
    with pytest.raises(
        ValueError, match=r"3508 x 2480 \(A4\) or 3300 x 2550 \(Letter\) .* 300 dpi, .* has 1754 x 1240"
    ):
        read_fixed_page(np.zeros((1240, 1754, 3), np.uint8), "mtecg 6x2")
    with pytest.raises(ValueError, match=r"no fixed layout '6x2'; the fixed layouts are mtecg 6x2, mtecg 3x4"):
        read_fixed_page(np.zeros((2480, 3508, 3), np.uint8), "6x2")
    blank = read_fixed_page(np.full((2480, 3509, 3), 255, np.uint8), "mtecg 6x2")  # programs round differently
    assert (
        not blank.found and blank.reason == "In the boxes of mtecg 6x2 there are traces along 0% of their width alone."
    )


@pytest.mark.parametrize("name", FIXED_LAYOUTS)
def test_level_lines_are_zero_for_as_long_as_the_boxes_say(name):
    boxes = FIXED_LAYOUTS[name]
    assert {b.lead for b in boxes} == set(LEADS)
    ink = np.zeros((2480, 3508), np.float32)
    for box in boxes:
        x1, y1, x2, y2 = (round(v + 0.5) for v in box.box)
        ink[(y1 + y2) // 2 - 21 : (y1 + y2) // 2 - 18, x1:x2] = 1.0
    found = fixed_layout(ink, name)
    assert found.layout is not None and found.layout.rows == LAYOUTS[name.split()[1]].rows
    ecg = digitize(found, ink, FIXED_SCALES[name])
    known = np.isfinite(ecg.signals)
    np.testing.assert_allclose(known.sum(axis=1) / ecg.rate, boxes[0].stop, atol=0.1)
    assert np.abs(ecg.signals[known]).max() < 0.02
