import itertools

import numpy as np
import pytest
from scipy import ndimage

from cardiac_transforms.ecg import LAYOUTS
from cardiac_transforms.ecg.reading.black_white import without_black_lines
from cardiac_transforms.ecg.reading.ink import trace_ink
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals
from tests.cardiac_transforms.ecg.reading.test_ink import PAPER, errors

SCALE = 8.0


@pytest.fixture(scope="module")
def broken():
    """A page after a threshold that left pieces and dots of its 5 mm lines: what is black, what is drawn, a crossing."""
    options = {"pixels_per_mm": SCALE, "line_mm": 0.6, "paper": PAPER}
    page = draw_page(made_up_signals(), 500.0, LAYOUTS["3x4"], grid=(90, 90, 90), **options)
    bare = draw_page(made_up_signals(), 500.0, LAYOUTS["3x4"], grid=PAPER, **options)
    black, drawn = page.image.min(axis=2) < 130, bare.image.min(axis=2) < 130
    rng = np.random.default_rng(5)
    pieces = ndimage.gaussian_filter(rng.normal(size=black.shape), 12) * 42 > 0.5
    dots = ndimage.gaussian_filter(rng.normal(size=black.shape), 2) * 7 > 0.8
    return drawn | (black & (pieces | dots)), drawn, page.grid_origin


def test_pieces_and_dots_of_a_grid_are_found_where_its_lines_lie(broken):
    black, drawn, crossing = broken
    grid = black & ~ndimage.binary_dilation(drawn, iterations=2)
    assert grid.sum() > 0.7 * drawn.sum()
    copy = np.where(black, 0, 255).astype(np.uint8)
    blind = trace_ink(copy, SCALE) > 0.5
    assert (blind & grid).sum() > 0.2 * grid.sum()
    found = trace_ink(copy, SCALE, black_crossing=crossing) > 0.5
    assert (found & grid).sum() < 0.05 * grid.sum()
    assert errors(found, drawn)[0] < 0.05


def test_the_page_on_its_side_is_the_same(broken):
    black, drawn, crossing = broken
    upright = without_black_lines(black.astype(np.float32), SCALE, None, crossing)
    turned = without_black_lines(np.ascontiguousarray(black.T).astype(np.float32), SCALE, None, crossing[::-1])
    grid = black & ~ndimage.binary_dilation(drawn, iterations=2)
    assert max((found & grid).sum() for found in (upright, turned.T)) < 0.05 * grid.sum()


def test_a_trace_that_lies_on_a_line_for_a_while_stays_whole():
    """A trace as thin as the lines runs level on one of them for 3.5 mm between two waves."""
    black = np.zeros((400, 640), bool)
    dashes = np.arange(640) % 80 < 18
    for line in range(40, 400, 40):
        black[line : line + 2, dashes] = True
        black[:, line : line + 2] |= dashes[:400, None]
    x = np.arange(100, 540)
    wave = 161 - 24 * np.abs(np.sin(np.maximum(np.abs(x - 300) - 14, 0) / 6))
    trace = np.zeros_like(black)
    for column, (y, following) in enumerate(itertools.pairwise(wave), 100):
        trace[int(min(y, following)) - 1 : int(max(y, following)) + 1, column] = True
    found = without_black_lines((black | trace).astype(np.float32), SCALE, None, (40.5, 40.5))
    level = trace & (np.abs(np.arange(640) - 300) < 12)
    assert level.sum() > 40 and (found & level).sum() > 0.9 * level.sum()
    assert (found & black & ~trace).sum() < 0.02 * black.sum()


def test_a_page_without_black_lines_is_left_alone(broken):
    _, drawn, crossing = broken
    ink = drawn.astype(np.float32)
    assert without_black_lines(ink, SCALE, None, crossing) is None
    assert without_black_lines(np.zeros((40, 40), np.float32), SCALE, None, crossing) is None
