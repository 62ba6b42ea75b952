"""The canonical page: every lead in its place, at its height and time, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg import LEADS, canonical_boxes, canonical_page

RATE = 500.0


def level(values) -> np.ndarray:
    """Ten seconds of twelve constant leads."""
    return np.repeat(np.asarray(values, float)[:, None], 5000, axis=1)


@settings(deadline=None, max_examples=20)
@given(values=st.lists(st.floats(-1.1, 1.1), min_size=12, max_size=12), scale=st.sampled_from([2.0, 3.3, 4.0, 8.0]))
def test_a_level_lead_lies_at_its_millivolts_in_its_own_tile(values, scale):
    page = 1.0 - canonical_page(level(values), RATE, scale)[0] / 255.0
    for value, box in zip(values, canonical_boxes(scale), strict=True):
        x1, y1, x2, y2 = (round(v + 0.5) for v in box.box)
        tile = page[y1:y2, x1:x2]
        middle = (tile * np.arange(len(tile))[:, None]).sum(axis=0) / tile.sum(axis=0)
        expected = 0.5 * len(tile) - 0.5 - value * 10 * scale
        np.testing.assert_allclose(middle, expected, atol=0.13)  # a thin line within a pixel looks centred
        np.testing.assert_allclose(tile.sum(axis=0), 0.4 * scale, atol=0.02)  # the pen


def test_the_boxes_cover_the_page_once():
    boxes = canonical_boxes(4.0)
    assert [box.lead for box in boxes] == list(LEADS)
    count = np.zeros(canonical_page(level(np.zeros(12)), RATE).shape[1:])
    for box in boxes:
        x1, y1, x2, y2 = (round(v + 0.5) for v in box.box)
        count[y1:y2, x1:x2] += 1
    assert count.shape == (600, 500) and (count == 1).all()


def test_a_step_is_drawn_at_its_time_whenever_the_lead_begins():
    signals = np.full((12, 5000), np.nan)
    for lead in range(12):
        begin = 137 * lead
        signals[lead, begin : begin + 1250] = 0.0
        signals[lead, begin + 500 : begin + 1250] = 0.8  # after one second, 25 mm
    page = canonical_page(signals, RATE, 4.0)[0] < 128
    for box in canonical_boxes(4.0):
        x1, y1, x2, y2 = (round(v + 0.5) for v in box.box)
        tile = page[y1:y2, x1:x2]
        assert tile[18, 101:].all() and not tile[18, :98].any()
        assert tile[50, :99].all() and not tile[50, 102:].any()
        assert tile[30, 97:103].any()  # the stroke between


def test_what_is_not_known_stays_white():
    assert canonical_page(np.full((12, 5000), np.nan), RATE).min() == 255
    signals = level(np.zeros(12))
    signals[3] = np.nan
    signals[7, 500:750] = np.nan  # 1 to 1.5 s: 25 to 37.5 mm
    signals[8, 600:] = np.nan
    page = canonical_page(signals, RATE, 4.0)[0] < 128
    boxes = [tuple(round(v + 0.5) for v in box.box) for box in canonical_boxes(4.0)]
    tiles = [page[y1:y2, x1:x2] for x1, y1, x2, y2 in boxes]
    assert not tiles[3].any()
    dark = tiles[7].any(axis=0)
    assert dark[:98].all() and not dark[102:148].any() and dark[152:].all()
    dark = tiles[8].any(axis=0)
    assert dark[:118].all() and not dark[122:].any()


def test_only_twelve_leads_are_drawn():
    with pytest.raises(ValueError, match=r"12 leads \[12, T\]"):
        canonical_page(np.zeros((8, 100)), RATE)
