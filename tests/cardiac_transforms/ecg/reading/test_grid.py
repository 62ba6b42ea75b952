from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from cardiac_transforms.ecg.reading.grid import FIRST_SIDE, WORKING_SIDE, PageGrid, find_grid, flat_grid

from .painted_grid import View, error, paint

A4 = View((840, 1188), 4.0, angle=2)


def assert_found(view: View, image: np.ndarray, spacing: float = 5.0, most: float = 0.1) -> PageGrid:
    grid = find_grid(image)
    assert grid is not None
    places = view.places()
    assert error(grid.to_mm(places), view.to_mm(places), spacing) < most
    assert grid.coherence > 0.9
    return grid


@pytest.mark.parametrize("width", [2500, 1188, 700])
def test_plain_pages(width):
    """2.4 to 8.4 pixels per millimetre."""
    view = View((round(width * 0.7), width), width / 297, angle=2)
    grid = assert_found(view, paint(view))
    assert grid.pixels_per_mm == pytest.approx((width / 297, width / 297), rel=0.005)
    assert grid.has_thick_lines
    assert grid.area.mean() > 0.95


@pytest.mark.parametrize(("longer_side_mm", "black"), [(290, False), (290, True), (400, False)])
def test_small_pictures_are_looked_at_where_they_are_enough(longer_side_mm, black):
    """They are not where a threshold broke the lines, or a millimetre would have few pixels."""
    view = View((1120, 1600), 1600 / longer_side_mm)
    image = paint(view)
    if black:
        image = np.where(image[..., 1:2] < 225, 0, 255).astype(np.uint8).repeat(3, axis=2)
    grid = assert_found(view, image)
    enough = not black and longer_side_mm < 300
    assert grid.scale == pytest.approx((FIRST_SIDE if enough else WORKING_SIDE) / 1600)


def test_a_close_view_at_13_pixels_per_mm():
    view = View((1000, 1800), 13.0, angle=-4)
    grid = assert_found(view, paint(view))
    assert grid.pixels_per_mm == pytest.approx((13, 13), rel=0.005)


@pytest.mark.parametrize("angle", [-25, -12, 0, 7, 20, 25])
def test_rotated_pages(angle):
    view = View((900, 1200), 5.0, angle=angle)
    assert_found(view, paint(view))


@pytest.mark.parametrize(
    ("tilt", "bend"), [((0.12, 0.0), 0.0), ((-0.1, 0.12), 0.0), ((0.0, 0.0), 4.0), ((0.08, -0.05), -3.0)]
)
def test_tilted_and_bent_pages(tilt, bend):
    view = View((900, 1200), 4.5, angle=5, tilt=tilt, bend=bend)
    assert_found(view, paint(view))


@pytest.mark.parametrize(
    ("colour", "paper"),
    [
        ((240, 160, 160), (255, 250, 245)),
        ((240, 180, 90), (255, 250, 235)),
        ((150, 200, 160), (250, 255, 250)),
        ((130, 160, 230), (235, 240, 255)),
        ((185, 185, 185), (250, 250, 250)),
        ((0, 0, 0), (255, 255, 255)),
        ((150, 90, 90), (255, 150, 150)),
    ],
)
def test_any_colour(colour, paper):
    assert_found(A4, paint(A4, colour, paper))


def test_dots_with_thick_lines():
    assert_found(A4, paint(A4, thin=0.8, dots=True))


def test_faint_lines_in_noise_and_uneven_light():
    image = paint(A4, (245, 215, 215), noise=6) * np.linspace(0.4, 1, A4.shape[1])[:, None]
    assert_found(A4, image.astype(np.uint8))


@pytest.mark.parametrize("millimetres", [130, 170, 250, 420])
def test_lines_every_5_mm_alone_are_not_taken_for_1_mm(millimetres):
    view = View((850, 1200), 1200 / millimetres, angle=1)
    grid = assert_found(view, paint(view, thin=0))
    assert grid.has_thick_lines


@pytest.mark.parametrize("millimetres", [160, 200, 250, 300])
def test_lines_every_1_mm_alone_are_not_taken_for_5_mm(millimetres):
    view = View((850, 1200), 1200 / millimetres, angle=1)
    grid = assert_found(view, paint(view, thin=1, thick=0), spacing=1.0)
    assert not grid.has_thick_lines


def text_page() -> np.ndarray:
    rng = np.random.default_rng(0)
    page = Image.new("RGB", (1000, 1300), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=20)
    for line in range(40):
        words = ("".join(rng.choice([*"aeinorstlm"], rng.integers(2, 9))) for _ in range(13))
        pen.text((60, 60 + line * 29), " ".join(words), fill="black", font=font)
    return np.asarray(page)


def cloudy() -> np.ndarray:
    rng = np.random.default_rng(1)
    layers = sum(ndimage.gaussian_filter(rng.normal(size=(700, 900)), size) * size for size in (1, 4, 16, 64))
    return np.stack([np.interp(layers, (layers.min(), layers.max()), (20, top)) for top in (250, 220, 180)], -1).astype(
        np.uint8
    )


@pytest.mark.parametrize(
    "image",
    [
        np.full((900, 1200, 3), 255, np.uint8),
        np.zeros((900, 1200, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (700, 900, 3), np.uint8),
        np.broadcast_to(np.linspace(0, 255, 900)[None, :, None], (700, 900, 3)).astype(np.uint8),
        cloudy(),
        text_page(),
        paint(View((800, 1000), 5.0), families=(0,)),
        paint(View((800, 1000), 6.0, angle=10), families=(1,), thin=0),
        np.full((1, 1, 3), 128, np.uint8),
        np.full((5, 3000, 3), 128, np.uint8),
    ],
    ids=["white", "black", "noise", "ramp", "clouds", "text", "upright", "level", "pixel", "strip"],
)
def test_what_is_no_grid_is_refused(image):
    assert find_grid(image) is None


def test_the_grid_ends_where_the_paper_ends():
    image = paint(A4)
    image[:, 800:] = np.random.default_rng(0).normal(110, 12, (840, 388, 3)).astype(np.uint8)
    grid = find_grid(image)
    assert grid is not None
    places = A4.places(15)
    seen = grid.sees(places)
    assert seen[places[:, 0] < 740].all()
    assert not seen[places[:, 0] > 940].any()
    paper = places[places[:, 0] < 740]
    assert error(grid.to_mm(paper), A4.to_mm(paper)) < 0.1


BENT = View((900, 1200), 4.5, angle=8, tilt=(0.08, -0.05), bend=3.0)


@pytest.fixture(scope="module")
def bent() -> PageGrid:
    grid = find_grid(paint(BENT))
    assert grid is not None
    return grid


@settings(max_examples=40, deadline=None)
@given(x=st.floats(-100, 1300), y=st.floats(-100, 1000))
def test_to_pixels_undoes_to_mm(bent, x, y):
    point = np.array([[x, y]])
    assert np.allclose(bent.to_pixels(bent.to_mm(point)), point, atol=0.05)


def test_u_grows_to_the_right_and_v_downwards(bent):
    here, right, below = bent.to_mm(np.array([[600, 450], [650, 450], [600, 500]]))
    assert right[0] - here[0] > 5
    assert below[1] - here[1] > 5


def test_a_flat_grid_is_the_resolution():
    grid = flat_grid((600, 800), 8.0)
    points = np.array([[0.0, 0.0], [400.0, 300.0], [799.0, 599.0], [900.0, -50.0]])
    assert np.allclose(grid.to_mm(points), points / 8)
    assert np.allclose(grid.to_pixels(points / 8), points)
    assert grid.sees(points[:3]).all()
    assert grid.pixels_per_mm == (8.0, 8.0)
