"""What is drawn on ECG pages lies where it was printed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from cardiac_transforms.ecg.reading import read_page
from monai_jdl.phantoms import PageStyle, render_page, simulate_ecg
from monai_jdl.reports import contact_sheet, draw_reading
from monai_jdl.reports.ecg_overlay import BOX_COLOR, TRACE_COLOR, reading_summary

CASE = simulate_ecg(5)
PAGE = render_page(CASE.signals, CASE.rate, layout="3x4+1", style=PageStyle(dpi=120))
HEIGHT, WIDTH = PAGE.image.shape[:2]


@pytest.fixture(scope="module")
def upright():
    return read_page(PAGE.image)


def near(picture, color, most=60):
    return np.abs(picture.astype(int) - np.array(color)).max(axis=2) < most


def test_grid_boxes_and_traces_lie_on_the_printed_ones(upright):
    drawn = draw_reading(PAGE.image, upright, width=WIDTH)[:HEIGHT]
    trace = near(drawn, TRACE_COLOR)
    distance = ndimage.distance_transform_edt(PAGE.mask == 0)
    assert trace.sum() > 3000 and np.mean(distance[trace] <= 2) > 0.97
    # every stretch but the one that the rhythm strip replaces is drawn over nearly all of its width
    for box in PAGE.boxes:
        x1, y1, x2, y2 = np.round(box.box).astype(int)
        share = trace[y1:y2, x1 + 5 : x2 - 5].any(axis=0).mean()
        assert share < 0.2 if (box.lead, box.rhythm) == ("II", False) else share > 0.7, box
    frame = near(drawn, BOX_COLOR, 90)
    for box in PAGE.boxes:
        x1, y1, x2, y2 = np.round(box.box).astype(int)
        for y in (y1, y2):
            assert frame[max(0, y - 6) : y + 7, x1:x2].any(axis=0).mean() > 0.7, box
    # strong grid lines every 25 mm and fine ones every 5 mm, on the printed thick lines
    blue = (drawn.astype(int) - PAGE.image)[..., 0] < -40
    place = (np.arange(WIDTH) - PAGE.grid_origin[0]) / (5 * PAGE.pixels_per_mm)
    columns = blue[PAGE.mask.any(axis=1).argmax() :].mean(axis=0) > 0.5
    assert columns.sum() > 30 and np.abs(place - place.round())[columns].max() < 0.08


def test_traces_follow_a_page_that_lies_turned(upright):
    turned = np.ascontiguousarray(np.rot90(PAGE.image, 2))
    reading = read_page(turned)
    drawn = draw_reading(turned, reading, width=WIDTH)[:HEIGHT]
    distance = ndimage.distance_transform_edt(np.rot90(PAGE.mask, 2) == 0)
    trace = near(drawn, TRACE_COLOR)
    assert reading.page.turns == 2 and trace.sum() > 3000 and np.mean(distance[trace] <= 2) > 0.97


def test_a_refused_page_shows_its_reason_and_no_leads(upright):
    drawn = draw_reading(PAGE.image, upright, width=WIDTH)
    refused = replace(upright, reason="No traces.")
    shown = draw_reading(PAGE.image, refused, width=WIDTH)
    assert near(drawn, TRACE_COLOR).sum() > 3000 and near(shown, TRACE_COLOR).sum() < 10
    assert near(shown, BOX_COLOR, 30).sum() < 10 and reading_summary(refused).startswith("not read: No traces. (4.72 x")
    nothing = read_page(np.full((200, 300, 3), 255, np.uint8))
    picture = draw_reading(np.full((200, 300, 3), 255, np.uint8), nothing, width=300)
    assert (picture[:200] == 255).all() and picture.shape[0] > 200 and "no grid" in reading_summary(nothing)


def test_a_long_reason_is_not_cut_off(upright):
    short, long = (
        draw_reading(PAGE.image, replace(upright, reason=reason), width=480) for reason in ("No.", "Too long. " * 30)
    )
    assert long.shape[0] > short.shape[0] + 50 and long.shape[1] == 480


def test_the_summary_says_what_was_found(upright):
    summary = reading_summary(upright)
    across, down = upright.page.grid.pixels_per_mm
    assert (across, down) == pytest.approx((PAGE.pixels_per_mm,) * 2, rel=1e-3)
    assert summary.startswith(f"3x4+1, {across:.2f} x {down:.2f} px/mm, 25 mm/s and 10 mm/mV measured, confidence ")


def test_a_contact_sheet_holds_every_picture_in_its_place():
    images = [np.full((40 + 20 * k, 100, 3), 40 * k + 20, np.uint8) for k in range(5)]
    sheet = contact_sheet(images, [f"{k}" for k in range(5)], columns=2, width=50)
    assert sheet.shape[1] == 100
    for k in range(5):
        column = sheet[:, 50 * (k % 2) + 25]
        own = (column == 40 * k + 20).all(axis=1)
        assert own.sum() == 20 + 10 * k, k  # half the size, and nowhere else
    first = [(sheet[:, 50 * (k % 2) + 25] == 40 * k + 20).all(axis=1).argmax() for k in range(5)]
    assert first[0] == first[1] < first[2] == first[3] < first[4]
