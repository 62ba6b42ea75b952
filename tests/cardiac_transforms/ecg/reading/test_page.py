from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from cardiac_transforms.ecg.leads import LAYOUTS, LeadBox
from cardiac_transforms.ecg.reading.page import read_page

from .drawn_page import DrawnPage, draw_page, made_up_signals

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def drawn() -> DrawnPage:
    return draw_page(made_up_signals(), 500.0, LAYOUTS["3x4+1"], pixels_per_mm=5.0)


def overlap(a: Box, b: Box) -> float:
    width, height = (max(0.0, min(a[k + 2], b[k + 2]) - max(a[k], b[k])) for k in (0, 1))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def overlaps(found: list[LeadBox], true: list[LeadBox]) -> list[float]:
    places = {(box.lead, box.rhythm): box.box for box in found}
    return [overlap(places.get((box.lead, box.rhythm), (0, 0, 1, 1)), box.box) for box in true]


def turned_box(box: Box, turns: int, shape: tuple[int, int]) -> Box:
    """Where a box of an image of ``shape`` (height, width) lies after quarter turns anticlockwise."""
    x1, y1, x2, y2 = box
    for _ in range(turns):
        x1, y1, x2, y2 = y1, shape[1] - 1 - x2, y2, shape[1] - 1 - x1
        shape = shape[::-1]
    return x1, y1, x2, y2


def test_boxes_lie_in_the_picture_where_they_were_drawn(drawn):
    reading = read_page(drawn.image)
    assert reading.found
    assert reading.reason == ""
    assert min(overlaps(reading.boxes, drawn.boxes)) >= 0.8
    assert reading.signals.signals.shape[0] == 12


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_pages_on_a_side_or_on_their_head_are_turned_upright(drawn, turns):
    reading = read_page(np.ascontiguousarray(np.rot90(drawn.image, turns)))
    assert reading.found
    assert reading.page is not None
    assert reading.page.turns == (-turns) % 4
    true = [
        LeadBox(box.lead, turned_box(box.box, turns, drawn.image.shape[:2]), box.start, box.stop, box.rhythm)
        for box in drawn.boxes
    ]
    assert min(overlaps(reading.boxes, true)) >= 0.8


def test_boxes_follow_a_rotation(drawn):
    angle = 7
    image = np.asarray(
        Image.fromarray(drawn.image).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=(60, 50, 45))
    )
    reading = read_page(image)
    centres = {(box.lead, box.rhythm): np.add(box.box[:2], box.box[2:]) / 2 for box in reading.boxes}
    old, new = (np.array([a.shape[1] - 1, a.shape[0] - 1]) / 2 for a in (drawn.image, image))
    turn = np.exp(-1j * np.deg2rad(angle))
    for box in drawn.boxes:
        x, y = (np.add(box.box[:2], box.box[2:]) / 2) - old
        place = (x + 1j * y) * turn
        assert np.hypot(*(centres[box.lead, box.rhythm] - new - [place.real, place.imag])) < 10  # 2 mm


def without_grid(image: np.ndarray) -> np.ndarray:
    return np.where((image > 120).all(axis=2, keepdims=True), np.uint8(255), image)


def plain_page(pulse: bool) -> DrawnPage:
    page = draw_page(made_up_signals(), 500.0, LAYOUTS["3x4+1"], pixels_per_mm=5.0, pulse=pulse)
    return replace(page, image=without_grid(page.image))


@pytest.mark.parametrize(("pulse", "source"), [(True, "pulse"), (False, "rows")])
def test_without_a_grid_pulse_or_rows_tell_the_scale(pulse, source):
    page = plain_page(pulse)
    reading = read_page(page.image)
    assert reading.found
    assert reading.scale_from == source
    assert reading.page is not None
    assert reading.page.grid.coherence == 0
    assert reading.page.grid.pixels_per_mm == pytest.approx((5.0, 5.0), rel=0.01)
    assert min(overlaps(reading.boxes, page.boxes)) >= 0.8


def test_the_resolution_counts_where_no_grid_does(drawn):
    bare = without_grid(drawn.image)
    reading = read_page(bare, pixels_per_mm=5.1)
    assert reading.found
    assert reading.scale_from == "resolution"
    assert reading.page is not None
    assert reading.page.grid.pixels_per_mm == (5.1, 5.1)
    gridded = read_page(drawn.image, pixels_per_mm=5.1)
    assert gridded.scale_from == "grid"
    assert gridded.page is not None
    assert gridded.page.grid.pixels_per_mm == pytest.approx((5.0, 5.0), rel=0.005)


@pytest.mark.parametrize("turns", [1, 2])
def test_pages_without_a_grid_are_turned_upright(turns):
    page = plain_page(pulse=True)
    reading = read_page(np.ascontiguousarray(np.rot90(page.image, turns)))
    assert reading.found
    assert reading.page is not None
    assert reading.page.turns == (-turns) % 4
    true = [
        LeadBox(box.lead, turned_box(box.box, turns, page.image.shape[:2]), box.start, box.stop, box.rhythm)
        for box in page.boxes
    ]
    assert min(overlaps(reading.boxes, true)) >= 0.8


def text_page() -> np.ndarray:
    page = Image.new("RGB", (800, 1000), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(size=18)
    for line in range(30):
        pen.text((50, 50 + 30 * line), "the quick brown fox jumps over the lazy dog and naps", fill="black", font=font)
    return np.asarray(page)


def ruled_page() -> np.ndarray:
    page = Image.new("RGB", (900, 700), "white")
    for line in range(6):
        ImageDraw.Draw(page).line([(60, 80 + 100 * line), (840, 80 + 100 * line)], fill="black", width=2)
    return np.asarray(page)


def waves() -> np.ndarray:
    page, x = Image.new("RGB", (900, 700), "white"), np.arange(60, 840)
    for line in range(4):
        y = 100 + 150 * line + 50 * np.sin(x / 25 + line)
        ImageDraw.Draw(page).line([*zip(x, y, strict=True)], fill="black", width=2)
    return np.asarray(page)


@pytest.mark.parametrize(
    "image",
    [text_page(), ruled_page(), waves(), np.random.default_rng(0).integers(0, 256, (500, 700, 3)).astype(np.uint8)],
    ids=["text", "rules", "waves", "noise"],
)
def test_pictures_of_other_things_are_refused_in_a_sentence(image):
    reading = read_page(image)
    assert not reading.found
    assert reading.reason.endswith(".")


@pytest.mark.parametrize("value", [0, 255])
def test_a_blank_picture_is_refused_in_a_sentence(value):
    reading = read_page(np.full((600, 900, 3), value, np.uint8))
    assert not reading.found
    assert reading.reason.endswith(".")
    assert "grid" in reading.reason
    assert reading.boxes == []
    assert reading.page is None
    with pytest.raises(ValueError, match="grid"):
        _ = reading.signals


def test_grid_paper_without_traces_is_refused_in_a_sentence():
    empty = draw_page(
        np.full((12, 5000), np.nan, np.float32),
        500.0,
        LAYOUTS["3x4+1"],
        pixels_per_mm=5.0,
        pulse=False,
        labels=False,
        header=False,
    )
    reading = read_page(empty.image)
    assert not reading.found
    assert reading.reason.endswith(".")
    with pytest.raises(ValueError, match=r"\w+"):
        _ = reading.signals


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((600, 900), np.uint8),
        np.zeros((600, 900, 4), np.uint8),
        np.zeros((0, 900, 3), np.uint8),
        np.zeros((600, 900, 3), np.float32),
    ],
)
def test_what_is_no_picture_is_an_error(image):
    with pytest.raises(ValueError, match=r"expects uint8 \[H, W, 3\]"):
        read_page(image)


@pytest.mark.parametrize("shape", [(1, 1), (40, 3000), (64, 64), (200, 200)])
@pytest.mark.parametrize("pixels_per_mm", [None, 0.5, 8.0])
def test_a_tiny_picture_is_refused_in_a_sentence(shape, pixels_per_mm):
    reading = read_page(np.full((*shape, 3), 255, np.uint8), pixels_per_mm)
    assert not reading.found
    assert reading.reason.endswith(".")
