"""Drawn styles and headers."""

from __future__ import annotations

import numpy as np
import pytest

from cardiac_transforms.ecg.leads import LAYOUTS
from monai_jdl.phantoms.page import random_header, random_style, render_page

TIME = np.arange(1000) / 100.0
SIGNALS = np.tile(np.sin(2 * np.pi * TIME), (12, 1))


def test_a_seed_gives_the_same_page_again():
    pages = []
    for seed in (3, 3, 4):
        rng = np.random.default_rng(seed)
        pages.append(render_page(SIGNALS, 100.0, style=random_style(rng, dpi=90), header=random_header(rng)))
    np.testing.assert_array_equal(pages[0].image, pages[1].image)
    assert pages[0].texts == pages[1].texts
    assert pages[0].image.shape != pages[2].image.shape or (pages[0].image != pages[2].image).any()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_fits_on_drawn_pages_and_their_texts_lie_on_them(layout):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        page = render_page(
            SIGNALS, 100.0, layout=layout, style=random_style(rng, layout=layout, dpi=70), header=random_header(rng)
        )
        height, width = page.mask.shape
        assert len(np.unique(page.mask)) == len(page.boxes) + 1
        for text in page.texts:
            x1, y1, x2, y2 = text.box
            assert x1 >= -0.5 and x2 <= width and y1 >= -0.5 and y2 <= height, text


def test_styles_vary_over_machines():
    styles = [random_style(np.random.default_rng(seed)) for seed in range(300)]
    for name, count in {"separator": 4, "pulse": 3, "speed": 2, "gain": 3, "grid": 3, "name_place": 2}.items():
        assert len({getattr(style, name) for style in styles}) == count
    assert 0.8 < np.mean([style.speed == 25 for style in styles]) < 0.97
    assert {style.grid_margin is None for style in styles} == {True, False}
    assert all(90 <= style.dpi <= 200 for style in styles)


def test_headers_are_recognisable_as_made_up():
    headers = [random_header(np.random.default_rng(seed)) for seed in range(50)]
    assert all(header.header[0].startswith("SYNTHETIC") for header in headers if header.header)
    assert len({header.header for header in headers}) > 30
    assert any(not header.diagnosis for header in headers)
