"""Flat pages without a visible grid: their angle, what is left of a grid, and the scale by pulses and rows."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cardiac_transforms.ecg.leads import LAYOUTS
from cardiac_transforms.ecg.reading.page import read_page
from cardiac_transforms.ecg.reading.remnants import find_remnants
from cardiac_transforms.ecg.reading.scale import measure_scale
from cardiac_transforms.ecg.reading.scan import find_scan
from cardiac_transforms.ecg.reading.skew import darkness, skew

from .drawn_page import draw_page, made_up_signals


def plain(*, turned: float = 0.0, lid: int = 255, **drawing) -> np.ndarray:
    """A page without a grid, 5 pixels per mm, turned clockwise by some degrees on a scanner with a lid of a grey level."""
    layout = LAYOUTS[drawing.pop("layout", "6x2")]
    white = (255, 255, 255)
    page = draw_page(made_up_signals(), 500.0, layout, pixels_per_mm=5.0, grid=white, paper=white, **drawing)
    return np.asarray(
        Image.fromarray(page.image).rotate(-turned, Image.Resampling.BICUBIC, expand=True, fillcolor=(lid,) * 3)
    )


def dots(spacing: float, angle: float, kept: float) -> np.ndarray:
    """bool ``[700, 1000]``: some crossings of a grid turned clockwise by ``angle`` (radians), one in (0, 0)."""
    u, v = (spacing * axis.ravel() for axis in np.mgrid[-60:120, -60:120])
    x, y = u * np.cos(angle) - v * np.sin(angle), u * np.sin(angle) + v * np.cos(angle)
    shown = (x > 0) & (x < 999) & (y > 0) & (y < 699) & (np.random.default_rng(0).random(x.size) < kept)
    dark = np.zeros((700, 1000), bool)
    dark[np.rint(y[shown]).astype(int), np.rint(x[shown]).astype(int)] = True
    return dark


@pytest.mark.parametrize("angle", [-4.3, -0.6, 0.0, 2.1])
def test_the_angle_of_a_page(angle):
    assert np.rad2deg(skew(darkness(plain(turned=angle)) > 0.5)) == pytest.approx(angle, abs=0.1)


def test_a_dark_lid_around_the_page_is_no_ink():
    ink = darkness(plain(turned=2.0, lid=45))
    assert ink[:8].mean() < 0.02
    assert 0.005 < (ink > 0.5).mean() < 0.1


def test_faint_ink_is_ink():
    strong, faint = (darkness((255 - (255 - plain()) * share).astype(np.uint8)) > 0.5 for share in (1.0, 0.25))
    assert (strong == faint).mean() > 0.995


@pytest.mark.parametrize("spacing", [14.2, 20.0, 31.7])
@pytest.mark.parametrize("angle", [0.0, 0.02])
def test_half_of_the_crossings_tell_the_grid(spacing, angle):
    found = find_remnants(dots(spacing, angle, 0.5), angle)
    assert found is not None
    assert found.spacing == pytest.approx(spacing, rel=0.003)
    x, y = found.origin
    places = np.array([x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)]) / spacing
    assert np.abs(places - places.round()).max() < 0.1
    assert 0 < found.coherence <= 1


def test_scattered_specks_and_regular_rows_are_no_remnants():
    specks = np.random.default_rng(1).random((700, 1000)) < 0.01
    assert find_remnants(specks, 0.0) is None
    assert find_remnants(darkness(plain(layout="12x1")) > 0.5, 0.0) is None
    assert find_remnants(np.zeros((700, 1000), bool), 0.0) is None


@pytest.mark.parametrize(
    ("drawing", "source"),
    [
        ({}, "pulse"),
        ({"gain": 5.0}, "pulse"),
        ({"gain": 20.0, "row_pitch": 40.0}, "pulse"),
        ({"speed": 50.0, "seconds": 5.0}, "pulse"),
        ({"layout": "3x4+1", "seconds": 7.5}, "pulse"),
        ({"layout": "12x1", "row_pitch": 14.0}, "pulse"),
        ({"pulse": False}, "rows"),
    ],
)
def test_the_scale_by_pulse_and_rows(drawing, source):
    found = measure_scale(darkness(plain(**drawing)))
    assert found is not None
    assert found.source == source
    assert found.pixels_per_mm == pytest.approx(5.0, rel=0.015)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_pulse_tells_which_way_is_up(turns):
    found = measure_scale(np.rot90(darkness(plain()), turns))
    assert found is not None
    assert found.turns == ((-turns) % 4,)
    assert found.pixels_per_mm == pytest.approx(5.0, rel=0.015)


def test_large_scans_are_sized_in_their_own_pixels():
    image = plain(turned=1.5)
    large = np.asarray(Image.fromarray(image).resize((image.shape[1] * 2, image.shape[0] * 2)))
    found = find_scan(large)
    assert found is not None
    assert found.grid.pixels_per_mm == pytest.approx((10.0, 10.0), rel=0.015)
    right, left = found.grid.to_mm(np.array([[1500.0, 600.0], [700.0, 600.0]]))
    assert np.rad2deg(np.arctan2(*(right - left)[::-1])) == pytest.approx(-1.5, abs=0.1)


def test_broken_traces_are_rows_too():
    image = plain().copy()
    image[:, ::9] = 255
    found = measure_scale(darkness(image))
    assert found is not None
    assert found.pixels_per_mm == pytest.approx(5.0, rel=0.03)


def test_a_grid_left_in_one_corner_does_not_hide_the_rest():
    page = draw_page(made_up_signals(), 500.0, LAYOUTS["6x2"], pixels_per_mm=5.0)
    black, lines = (
        np.repeat(np.where(page.image.min(axis=2) > level, np.uint8(255), 0)[..., None], 3, 2) for level in (140, 200)
    )
    black[-260:, -500:] = lines[-260:, -500:]
    reading = read_page(black.astype(np.uint8))
    assert reading.found
    assert len(reading.boxes) == 12
    assert reading.page is not None
    assert reading.page.grid.pixels_per_mm == pytest.approx((5.0, 5.0), rel=0.01)
