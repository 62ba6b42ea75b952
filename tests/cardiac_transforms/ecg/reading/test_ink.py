import numpy as np
import pytest
from scipy import ndimage

from cardiac_transforms.ecg.leads import LAYOUTS
from cardiac_transforms.ecg.reading.ink import remove_grid, trace_ink
from tests.cardiac_transforms.ecg.reading.drawn_page import draw_page, made_up_signals

SCALE = 5.0
PAPER = (255, 255, 255)


def drawn(grid, ink=(15, 15, 25), paper=PAPER):
    """The same page with and without its grid."""
    signals = made_up_signals()
    options = dict(pixels_per_mm=SCALE, ink=ink, line_mm=0.4)
    page = draw_page(signals, 500.0, LAYOUTS["3x4"], grid=grid, paper=paper, **options)
    bare = draw_page(signals, 500.0, LAYOUTS["3x4"], grid=PAPER, paper=PAPER, **options)
    return page.image, (255 - bare.image.min(axis=2)) / 255.0 > 0.5


def errors(found, true):
    """Share of the true ink that was missed and share of the found ink that is false, one pixel aside."""
    missed = (true & ~ndimage.binary_dilation(found, iterations=1)).sum() / true.sum()
    return missed, (found & ~ndimage.binary_dilation(true, iterations=1)).sum() / max(found.sum(), 1)


@pytest.mark.parametrize(
    ("grid", "ink", "paper"),
    [
        ((240, 150, 150), (15, 15, 25), (255, 250, 245)),
        ((120, 200, 140), (15, 15, 25), (230, 245, 230)),
        ((150, 150, 150), (15, 15, 25), (235, 230, 220)),
        ((240, 150, 150), (30, 30, 150), (255, 240, 240)),
    ],
    ids=["red", "green", "grey", "blue ink on red"],
)
def test_ink_is_what_was_drawn_whatever_the_grid(grid, ink, paper):
    image, true = drawn(grid, ink, paper)
    missed, false = errors(trace_ink(image, SCALE) > 0.5, true)
    assert missed < 0.06
    assert false < 0.03


def test_nothing_is_left_of_sharp_grey_lines_one_pixel_thin():
    """As screens and printers draw them: the 5 mm lines are fewer than one row in forty of such a page."""
    image = np.full((1200, 1600, 3), 255, np.uint8)
    for every, grey in ((8, 200), (40, 130)):
        image[150::every] = grey
        image[150:, ::every] = grey
    traces = np.zeros(image.shape[:2], bool)
    for zero in (415, 655, 895):  # mostly level
        heights = zero - 3 * np.maximum(0, 30 - np.abs(np.arange(1600) % 200 - 100))
        for x, (last, height) in enumerate(zip(np.r_[zero, heights], heights, strict=False)):
            traces[min(last, height) - 1 : max(last, height) + 2, x] = True
    image[traces] = 15
    ink = trace_ink(image, 8.0)
    beside = ~ndimage.binary_dilation(traces, iterations=4)
    assert np.mean(ink[beside] > 0.1) < 0.005
    assert np.mean(ink[traces] > 0.5) > 0.98


def test_shadow_does_not_become_ink():
    image, true = drawn((240, 150, 150))
    light = np.linspace(1.0, 0.45, image.shape[1])[None, :, None]
    missed, false = errors(trace_ink((image * light).astype(np.uint8), SCALE) > 0.5, true)
    assert missed < 0.08
    assert false < 0.05


def test_nothing_is_ink_outside_the_page_or_on_empty_paper():
    image, _ = drawn((240, 150, 150))
    valid = np.ones(image.shape[:2], bool)
    valid[:, :200] = False
    image = image.copy()
    image[~valid] = 0
    assert trace_ink(image, SCALE, valid)[~valid].max() == 0
    assert trace_ink(np.full((200, 300, 3), 230, np.uint8), SCALE).max() == 0
    assert trace_ink(np.zeros((1, 1, 3), np.uint8), SCALE).shape == (1, 1)


def test_grid_is_white_and_ink_keeps_its_colour_when_the_grid_is_removed():
    image, true = drawn((240, 150, 150), ink=(30, 30, 150))
    clean = remove_grid(image, trace_ink(image, SCALE))
    far = ~ndimage.binary_dilation(true, iterations=3)
    assert (clean[far] > 250).mean() > 0.99
    core = ndimage.binary_erosion(true)
    assert np.abs(np.median(clean[core], axis=0) - (30, 30, 150)).max() < 40


def test_other_pixels_and_scales_are_refused():
    with pytest.raises(ValueError, match="uint8"):
        trace_ink(np.zeros((5, 5, 4), np.uint8), SCALE)
    with pytest.raises(ValueError, match="positive"):
        trace_ink(np.zeros((5, 5, 3), np.uint8), 0.0)


@pytest.mark.parametrize("turned", [False, True])
def test_a_black_grid_is_told_from_the_traces_by_its_thinness(turned):
    """A copy in black and white: every line of the 5 mm grid is as black as the ink, only thinner."""
    page = draw_page(made_up_signals(), 500.0, LAYOUTS["3x4"], pixels_per_mm=8.0, grid=(90, 90, 90), line_mm=0.6)
    bare = draw_page(made_up_signals(), 500.0, LAYOUTS["3x4"], pixels_per_mm=8.0, grid=PAPER, paper=PAPER, line_mm=0.6)
    black = page.image.min(axis=2) < 130
    true = bare.image.min(axis=2) < 130
    grid = black & ~ndimage.binary_dilation(true, iterations=2)
    assert grid.sum() > true.sum()
    copy = np.where(black, 0, 255).astype(np.uint8)
    if turned:
        found = trace_ink(np.ascontiguousarray(copy.T), 8.0).T > 0.5
    else:
        found = trace_ink(copy, 8.0) > 0.5
    assert errors(found, true)[0] < 0.05
    assert (found & grid).sum() < 0.15 * grid.sum()


@pytest.mark.parametrize(("picture_scale", "found"), [(4.0, True), (8.0, False)])
def test_faint_steep_strokes_are_looked_for_in_coarse_pictures_alone(picture_scale, found):
    image = np.full((400, 600, 3), 240, np.uint8)
    image[300:303] = 20  # a level trace, and a stroke that rises from it
    image[200:300, 300:303] = 170
    ink = trace_ink(image, 8.0, picture_scale=picture_scale)
    assert ink[301, 100] > 0.5
    assert (ink[220:300, 301] > 0.5).all() == found
