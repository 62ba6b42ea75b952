"""The pen: how much of each pixel a stroke covers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_jdl.phantoms.page.stroke import stroke_coverage

PAGE = (120, 160)


def on_page(line, width: float) -> np.ndarray:
    page = np.zeros(PAGE)
    drawn = stroke_coverage(np.asarray(line, dtype=np.float64), width, PAGE)
    if drawn is not None:
        part, top, left = drawn
        page[top : top + part.shape[0], left : left + part.shape[1]] = part
    return page


@pytest.mark.parametrize("width", [0.8, 1.5, 4.0])
@pytest.mark.parametrize("rise", [0.0, 13.3, 60.0])
def test_a_straight_stroke_covers_its_area_around_its_middle(width, rise):
    (x1, y1), (x2, y2) = (30.3, 40.7), (90.8, 40.7 + rise)
    page = on_page([(x1, y1), (x2, y2)], width)
    area = np.hypot(x2 - x1, y2 - y1) * width + np.pi * width**2 / 4
    assert page.sum() == pytest.approx(area, rel=0.03)
    y, x = np.mgrid[: PAGE[0], : PAGE[1]]
    assert (page * x).sum() / page.sum() == pytest.approx((x1 + x2) / 2, abs=0.02)
    assert (page * y).sum() / page.sum() == pytest.approx((y1 + y2) / 2, abs=0.08)  # pixels are boxes


def test_the_ink_is_where_the_distance_to_the_line_says():
    """Against brute force: share of a pixel's 20 x 20 points that lie within half the width of a zigzag."""
    line = np.array([(20.2, 60.1), (28.9, 20.4), (33.3, 88.8), (60.0, 70.0), (60.0, 30.0), (75.5, 30.0)])
    width, fine = 2.6, 20
    step = (np.arange(PAGE[1] * fine) + 0.5) / fine - 0.5
    x, y = step[None, : 100 * fine], step[: 100 * fine, None]
    distance = np.full((100 * fine, 100 * fine), np.inf, dtype=np.float32)
    for (ax, ay), (bx, by) in pairwise(line):
        along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        np.minimum(distance, np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)), out=distance)
    expected = (distance <= width / 2).reshape(100, fine, 100, fine).mean((1, 3))
    difference = np.abs(on_page(line, width)[:100, :100] - expected)
    assert difference.max() < 0.2
    assert difference[expected > 0].mean() < 0.03


def test_a_line_with_gaps_is_the_sum_of_its_parts():
    left, right = [(10.0, 50.0), (30.0, 60.0)], [(80.0, 40.0), (120.0, 45.0)]
    gap = [(50.0, np.nan), (60.0, np.nan)]
    np.testing.assert_allclose(on_page([*left, *gap, *right], 2.0), on_page(left, 2.0) + on_page(right, 2.0), atol=1e-6)


def test_one_known_sample_between_gaps_is_a_dot():
    page = on_page([(39.0, np.nan), (40.0, 50.0), (41.0, np.nan)], 3.0)
    assert page.sum() == pytest.approx(np.pi * 1.5**2, rel=0.1)


def test_nothing_known_or_nothing_on_the_page_gives_nothing():
    assert stroke_coverage(np.array([(10.0, np.nan), (20.0, np.nan)]), 2.0, PAGE) is None
    assert stroke_coverage(np.array([(10.0, -30.0), (20.0, -20.0)]), 2.0, PAGE) is None
    assert stroke_coverage(np.array([(500.0, 50.0), (520.0, 50.0)]), 2.0, PAGE) is None


@given(
    st.lists(st.tuples(st.floats(-300, 400), st.floats(-1e6, 1e6) | st.just(np.nan)), min_size=2, max_size=12),
    st.floats(0.3, 6.0),
)
def test_any_line_gives_shares_within_the_page(points, width):
    line = np.array(sorted(points, key=lambda point: point[0]))
    drawn = stroke_coverage(line, width, PAGE)
    if drawn is not None:
        part, top, left = drawn
        assert part.min() >= 0 and part.max() <= 1
        assert top >= 0 and left >= 0
        assert top + part.shape[0] <= PAGE[0] and left + part.shape[1] <= PAGE[1]
