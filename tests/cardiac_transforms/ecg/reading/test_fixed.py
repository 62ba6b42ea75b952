"""The two reports whose lead boxes are known beforehand."""

import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS
from cardiac_transforms.ecg.reading.digitize import digitize
from cardiac_transforms.ecg.reading.fixed import FIXED_LAYOUTS, FIXED_SCALES, fixed_layout


@pytest.mark.parametrize("name", FIXED_LAYOUTS)
def test_fixed_layouts_read_pages_without_looking_for_anything(name):
    boxes = FIXED_LAYOUTS[name]
    assert {b.lead for b in boxes} == set(LEADS)
    ink = np.zeros((2480, 3508), np.float32)
    for box in boxes:
        x1, y1, x2, y2 = (round(v + 0.5) for v in box.box)
        ink[(y1 + y2) // 2 - 1 : (y1 + y2) // 2 + 2, x1:x2] = 1.0
    found = fixed_layout(ink, name)
    assert found.layout == LAYOUTS[name.split()[1]]
    # twelve level lines on their zero lines
    ecg = digitize(found, FIXED_SCALES[name])
    known = np.isfinite(ecg.signals)
    seconds = 5.0 if "6x2" in name else 2.5
    np.testing.assert_allclose(known.sum(axis=1) / ecg.rate, seconds, atol=0.1)
    assert np.abs(ecg.signals[known]).max() < 0.02
