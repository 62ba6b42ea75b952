import numpy as np
import pytest

from cardiac_transforms.ecg.reading.strokes import stroke_darkness, with_steep_strokes

SCALE = 8.0
DARK = 0.4
FAINT = 0.3


def page(tilt, joined=True):
    """A level trace as dark as ink, and a faint stroke of 8 mm up from it; and where the stroke is."""
    share = np.random.default_rng(0).normal(0.0, 0.02, (200, 400)).astype(np.float32)
    share[149:152] = 1.0
    stroke = np.zeros(share.shape, bool)
    for y in range(84, 149 if joined else 130):
        x = 200 + round(tilt * (149 - y))
        stroke[y, x - 1 : x + 2] = True
    share[stroke] += FAINT
    return share, stroke


@pytest.mark.parametrize("tilt", [-0.4, -0.1, 0.0, 0.3])
def test_a_faint_stroke_that_goes_on_from_ink_is_ink_and_no_wider_than_drawn(tilt):
    share, stroke = page(tilt)
    assert (share[stroke] > DARK).mean() < 0.01
    found = with_steep_strokes(share, SCALE, DARK) > DARK
    rows = stroke.any(axis=1)
    assert (found & stroke).any(axis=1)[rows].mean() > 0.95
    above = found[:148]
    assert (above & ~stroke[:148]).sum() < 0.03 * stroke.sum()


def test_a_faint_stroke_that_touches_no_ink_stays_faint():
    share, _ = page(0.0, joined=False)
    assert np.array_equal(with_steep_strokes(share, SCALE, DARK)[:140], share[:140])


def test_a_stroke_is_as_dark_as_it_is_along_its_length():
    share, _ = page(0.0)
    darkness = stroke_darkness(share, SCALE)
    assert darkness[100:135, 200] == pytest.approx(FAINT, abs=0.05)
    assert (darkness[:, :150] == 1.0).mean() > 0.99


def test_rests_of_a_grid_all_over_the_page_are_no_strokes():
    share = np.random.default_rng(0).normal(0.0, 0.02, (200, 400)).astype(np.float32)
    share[:, ::8] += FAINT
    share[:, 1::8] += FAINT
    assert (stroke_darkness(share, SCALE) == 1.0).all()
