"""The printed grid: its spacing and its place, measured on the picture."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from cardiac_transforms.ecg.leads import LEADS
from monai_jdl.phantoms.page import GRID_COLORS, PageStyle, render_page

BLANK = np.full((12, 100), np.nan)
UNNAMED = dict.fromkeys(LEADS, "")


def profiles(style: PageStyle) -> tuple[np.ndarray, np.ndarray]:
    """Darkness along x and along y of a page without traces and texts."""
    page = render_page(BLANK, 10.0, style=style, names=UNNAMED)
    darkness = 255.0 - page.image.mean(2)
    return darkness.mean(0), darkness.mean(1)


def spacing(profile: np.ndarray, expected: float) -> tuple[float, float]:
    """Period near ``expected`` with the greatest Fourier amplitude, and the position of a line modulo the period."""
    profile, x = (profile - profile.mean()) * np.hanning(profile.size), np.arange(profile.size)

    def fourier(period: float) -> complex:
        return complex((profile * np.exp(-2j * np.pi * x / period)).sum())

    coarse = expected * np.linspace(0.985, 1.015, 121)
    best = coarse[np.argmax([abs(fourier(period)) for period in coarse])]
    best = minimize_scalar(
        lambda period: -abs(fourier(period)), bounds=(best * 0.9995, best * 1.0005), method="bounded",
        options={"xatol": 1e-9},
    ).x  # fmt: skip
    return best, -np.angle(fourier(best)) / (2 * np.pi) * best % best


@pytest.mark.parametrize("dpi", [72.0, 100.0, 143.7, 200.0])
@pytest.mark.parametrize("grid", ["lines", "dots", "major"])
def test_lines_are_as_far_apart_as_dpi_says(dpi, grid):
    style = PageStyle(dpi=dpi, grid=grid, pulse="none", separator="none", footer=False, width=240, height=200)
    for profile in profiles(style):
        for mm in (5.0,) if grid == "major" else (1.0, 5.0):
            period, _ = spacing(profile, mm * dpi / 25.4)
            assert period == pytest.approx(mm * dpi / 25.4, rel=1e-3)


@pytest.mark.parametrize("phase", [(0.0, 0.0), (1.3, 4.2)])
@pytest.mark.parametrize("grid_margin", [None, 4.0])
def test_the_origin_is_a_crossing_of_thick_lines(phase, grid_margin):
    style = PageStyle(
        grid="major",
        grid_phase=phase,
        grid_margin=grid_margin,
        pulse="none",
        separator="none",
        footer=False,
    )
    page = render_page(BLANK, 10.0, style=style, names=UNNAMED)
    pitch = 5 * style.pixels_per_mm
    for origin, profile in zip(page.grid_origin, profiles(style), strict=True):
        _, line = spacing(profile, pitch)
        assert abs((line - origin + pitch / 2) % pitch - pitch / 2) < 0.05 * style.pixels_per_mm


def test_a_framed_grid_has_whole_squares_and_bare_paper_around():
    style = PageStyle(
        grid_margin=6.0, border_color=(255, 255, 255), colors=GRID_COLORS["magenta"], separator="none", pulse="none",
        footer=False,
    )  # fmt: skip
    page = render_page(BLANK, 10.0, style=style, names=UNNAMED)
    tinted = (page.image[:, :, 1] < 250).any(1), (page.image[:, :, 1] < 250).any(0)
    for line in tinted:
        inside = np.flatnonzero(line)
        length = (inside[-1] - inside[0] + 1) / style.pixels_per_mm
        assert length % 5 == pytest.approx(style.major_width, abs=0.5)  # whole squares and the last line's thickness
        assert inside[0] / style.pixels_per_mm >= 5.5
    assert (page.image[: int(5 * style.pixels_per_mm)] == 255).all()


@pytest.mark.parametrize("name", GRID_COLORS)
def test_the_paper_is_lighter_than_thin_lines_and_those_lighter_than_thick_ones(name):
    colors = GRID_COLORS[name]
    style = PageStyle(dpi=400, width=120, height=100, colors=colors, minor_width=0.3, major_width=0.5, separator="none")
    image = render_page(BLANK, 10.0, layout="3x4", style=style).image
    origin, pixel = render_page(BLANK, 10.0, layout="3x4", style=style).grid_origin, style.pixels_per_mm
    at = {key: image[round(origin[1] + y * pixel), round(origin[0] + x * pixel)] for key, (x, y) in
          {"paper": (5.5, 5.5), "minor": (6.0, 5.5), "major": (5.0, 5.5)}.items()}  # fmt: skip
    for key, value in at.items():
        assert tuple(value) == getattr(colors, key)
    assert at["paper"].sum() > at["minor"].sum() > at["major"].sum()


def test_pages_do_not_share_the_cached_grid():
    first = render_page(BLANK, 10.0)
    first.image[:] = 0
    assert render_page(BLANK, 10.0).image.max() > 0
