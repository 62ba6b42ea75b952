"""The two reports whose lead boxes are known beforehand."""

import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS
from cardiac_transforms.ecg.reading.fixed import FIXED_LAYOUTS, FIXED_SCALES, fixed_layout
from cardiac_transforms.ecg.reading.standardize import canonical_page


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
    page = canonical_page(found, FIXED_SCALES[name])
    # twelve level lines, each in the middle of its tile
    dark = (page[0] < 128).mean(axis=1)
    assert [round(float(y)) for y in np.flatnonzero(dark > 0.9)[::2]] == pytest.approx(
        [49 + 100 * k for k in range(6)], abs=2
    )
