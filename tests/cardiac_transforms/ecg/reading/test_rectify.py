from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiac_transforms.ecg.reading.grid import find_grid, flat_grid
from cardiac_transforms.ecg.reading.rectify import RectifiedPage, rectify

from .painted_grid import View, paint

VIEW = View((800, 1100), 4.4, angle=6, tilt=(0.06, -0.04), bend=2.0)


def flattened(image: np.ndarray, **options: float) -> RectifiedPage:
    grid = find_grid(image)
    assert grid is not None
    return rectify(image, grid, **options)


@pytest.fixture(scope="module")
def page() -> RectifiedPage:
    image = paint(VIEW, (230, 130, 130))
    image[380:400, 500:560] = (0, 0, 255)  # a mark whose place is known
    return flattened(image)


def profile(page: RectifiedPage, axis: int) -> np.ndarray:
    """Mean ink of the rows or columns where the page is valid."""
    ink = np.where(page.valid, 255.0 - page.image[..., 1], np.nan)
    height, width = ink.shape
    return np.nanmean(ink[height // 4 : -height // 4, width // 4 : -width // 4], axis=axis)


@pytest.mark.parametrize("axis", [0, 1])
def test_lines_lie_at_multiples_of_5_mm_from_the_origin(page, axis):
    ink = profile(page, axis)
    pitch = 5 * page.pixels_per_mm
    first = page.image.shape[1 - axis] // 4
    place = first + np.arange(len(ink))
    spectrum = np.exp(-2j * np.pi * (place - page.grid_origin[axis]) / pitch) @ (ink - ink.mean())
    assert abs(np.angle(spectrum)) < 2 * np.pi * 0.03  # 0.15 mm
    on = np.abs((place - page.grid_origin[axis] + pitch / 2) % pitch - pitch / 2) < 0.7
    assert ink[on].min() > ink[~on].mean() + 20


@pytest.mark.parametrize("pixels_per_mm", [4.0, 9.7])
def test_any_resolution(pixels_per_mm):
    view = View((700, 1000), 5.0, angle=3)
    page = flattened(paint(view), pixels_per_mm=pixels_per_mm)
    points = np.array([[300.0, 300.0], [600.0, 400.0]])
    flat = page.from_picture(points)
    assert np.linalg.norm(flat[1] - flat[0]) == pytest.approx(np.hypot(300, 100) / 5 * pixels_per_mm, rel=0.005)
    assert page.pixels_per_mm == pixels_per_mm


@settings(max_examples=40, deadline=None)
@given(turns=st.integers(-4, 7), x=st.floats(0, 1), y=st.floats(0, 1))
def test_turned_pages_map_there_and_back(page, turns, x, y):
    turned = page.turned(turns)
    point = np.array([[x, y]]) * (np.array(turned.image.shape[1::-1]) - 1)
    assert np.allclose(turned.from_picture(turned.to_picture(point)), point, atol=0.1)


@pytest.mark.parametrize("first", [0, 1, 3])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_content_follows_the_turn(page, first, turns):
    turned = page.turned(first).turned(turns)
    assert turned.turns == (first + turns) % 4
    assert turned.valid.shape == turned.image.shape[:2]
    x, y = turned.from_picture(np.array([[529.5, 389.5]]))[0].round().astype(int)
    assert turned.image[y, x, 2] > 200 > 60 > turned.image[y, x, 0]
    x, y = turned.grid_origin
    assert np.allclose((np.array([x, y]) - page.turned(first + turns).grid_origin), 0)
    # a crossing in the middle stays one: it is as dark as thick lines are
    pitch = 5 * turned.pixels_per_mm
    middle = np.array(turned.image.shape[1::-1]) / 2
    x, y = (turned.grid_origin + pitch * np.round((middle - turned.grid_origin) / pitch)).round().astype(int)
    assert turned.image[y - 1 : y + 2, x - 1 : x + 2, 1].min() < 190


def test_a_flat_scan_is_left_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (401, 561, 3)).astype(np.uint8)
    page = rectify(image, flat_grid((401, 561), 8.0))
    corner = page.from_picture(np.array([[0.0, 0.0]]))[0].round().astype(int)
    inner = page.image[corner[1] : corner[1] + 401, corner[0] : corner[0] + 561]
    assert np.abs(inner[2:-2, 2:-2].astype(int) - image[2 : inner.shape[0] - 2, 2 : inner.shape[1] - 2]).max() <= 1


@pytest.mark.parametrize("shift", [0.0, 1.7, 3.2, -6.1])
def test_the_origin_is_a_crossing_wherever_the_page_begins(shift):
    grid = flat_grid((401, 561), 8.0)
    page = rectify(np.zeros((401, 561, 3), np.uint8), replace(grid, millimetres=grid.millimetres + shift))
    origin = page.grid.to_mm(page.to_picture(np.array([page.grid_origin])))
    assert np.allclose(origin, 5 * np.round(origin / 5), atol=1e-3)


def test_a_dark_desk_and_a_finger_are_not_valid():
    view = View((840, 1188), 4.0)
    image = paint(view)
    places = view.pixels()
    desk = (places[..., 0] < 150) | (places[..., 0] > 1050) | (places[..., 1] > 700)
    finger = np.hypot((places[..., 0] - 600) / 1.5, places[..., 1] - 690) < 50
    image[desk] = (70, 55, 45)
    image[finger] = (130, 85, 70)
    page = flattened(image)

    def valid(x: float, y: float) -> bool:
        column, row = page.from_picture(np.array([[x, y]]))[0].round().astype(int)
        if not (0 <= row < page.valid.shape[0] and 0 <= column < page.valid.shape[1]):
            return False
        return bool(page.valid[row, column])

    assert all(valid(x, y) for x in (200, 400, 800, 1000) for y in (100, 300, 600))
    assert not any(valid(x, y) for x, y in ((100, 300), (1100, 300), (400, 750), (600, 690), (580, 670)))


def test_strokes_stay_valid():
    image = paint(View((840, 1188), 4.0))
    image[400:406] = 10
    image[100:700, 500:506] = 10
    page = flattened(image)
    for point in ([300.0, 402.0], [502.0, 300.0]):
        column, row = page.from_picture(np.array([point]))[0].round().astype(int)
        assert page.valid[row, column]
    shown = page.from_picture(np.array([[20.0, 20.0], [1160.0, 820.0]])).round().astype(int)
    assert page.valid[shown[0, 1] : shown[1, 1], shown[0, 0] : shown[1, 0]].mean() > 0.99


def test_grey_paper_is_not_taken_for_a_desk_where_the_picture_ends():
    view = View((700, 900), 4.0, angle=12)
    page = flattened(paint(view, (100, 80, 80), (140, 135, 132)))
    inner = page.from_picture(view.places(9, 40)).round().astype(int)
    assert page.valid[inner[:, 1], inner[:, 0]].mean() > 0.97


def test_beyond_the_picture_the_page_is_white(page):
    mesh = np.stack(np.meshgrid(*(np.arange(0, n, 7.0) for n in page.image.shape[1::-1])), axis=-1).reshape(-1, 2)
    there = page.to_picture(mesh)
    beyond = ((there < -2) | (there > np.array(VIEW.shape[::-1]) + 1)).any(axis=1)
    x, y = mesh[beyond].astype(int).T
    assert beyond.any()
    assert (page.image[y, x] == 255).all()
    assert not page.valid[y, x].any()
