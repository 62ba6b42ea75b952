"""Traces, boxes, pulses and masks: the right lead at the right place, in mm and seconds."""

from __future__ import annotations

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from cardiac_transforms.ecg.leads import LAYOUTS, LEADS
from monai_jdl.errors import InputError
from monai_jdl.phantoms.page import GridColors, PageHeader, PageStyle, RenderedPage, render_page

WHITE = PageStyle(
    colors=GridColors((255, 255, 255), (255, 255, 255), (255, 255, 255)),
    grid="none",
    pulse="none",
    separator="none",
    trace_color=(0, 0, 0),
    footer=False,
)
RATE = 500.0
TIME = np.arange(5000) / RATE


def styled(**changes) -> PageStyle:
    return PageStyle(**{**vars(WHITE), **changes})


def dense(line: np.ndarray) -> np.ndarray:
    """Points of a polyline at most half a pixel apart."""
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    where = np.linspace(0, length[-1], int(2 * length[-1]) + 2)
    return np.stack([np.interp(where, length, line[:, axis]) for axis in (0, 1)], axis=1)


def ink_height(page: RenderedPage, index: int, time: float) -> float:
    """Mean y of the ink of a box's trace in the pixel column at ``time``, in mV."""
    box = page.boxes[index]
    column = round(box.box[0] + (time - box.start) * page.speed * page.pixels_per_mm)
    darkness = (255.0 - page.image[:, column].mean(1)) * (page.mask[:, column] == index + 1)
    y = (darkness * np.arange(darkness.size)).sum() / darkness.sum()
    return ((box.box[1] + box.box[3]) / 2 - y) / page.pixels_per_mm / page.gain


@pytest.mark.parametrize("speed", [25.0, 50.0])
@pytest.mark.parametrize("gain", [5.0, 10.0, 20.0])
@pytest.mark.parametrize("dpi", [96.0, 200.0])
def test_a_sine_is_drawn_at_its_time_and_height(speed, gain, dpi):
    signals = np.tile(0.8 * np.sin(2 * np.pi * 0.7 * TIME), (12, 1))
    page = render_page(signals, RATE, layout="6x2", style=styled(speed=speed, gain=gain, dpi=dpi))
    for index, box in enumerate(page.boxes):
        for time in np.linspace(box.start + 0.3, box.stop - 0.3, 9):
            column = round(box.box[0] + (time - box.start) * speed * page.pixels_per_mm)
            exact = box.start + (column - box.box[0]) / page.pixels_per_mm / speed  # the time at the column's centre
            error = ink_height(page, index, time) - 0.8 * np.sin(2 * np.pi * 0.7 * exact)
            assert abs(error) * gain < 0.1  # mm


@pytest.mark.parametrize("speed", [25.0, 50.0])
@pytest.mark.parametrize("gain", [5.0, 10.0, 20.0])
def test_a_step_is_drawn_at_its_time(speed, gain):
    step = 2.0 + 0.5 / RATE
    page = render_page(
        np.tile(np.where(TIME > 2.0, 0.3, -0.3), (12, 1)), RATE, layout="12x1", style=styled(speed=speed, gain=gain)
    )
    for index, box in enumerate(page.boxes):
        middle = (box.box[1] + box.box[3]) / 2
        rows = slice(round(middle - 2), round(middle + 3))
        darkness = (255.0 - page.image[rows].mean(2)) * (page.mask[rows] == index + 1)
        x = (darkness * np.arange(darkness.shape[1])).sum() / darkness.sum()
        assert abs((x - box.box[0]) / page.pixels_per_mm - step * speed) < 0.1


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_box_holds_its_lead_at_its_time(layout):
    level = 0.2 * np.arange(12) - 1.0
    signals = level[:, None] + 0.015 * TIME  # the height tells the lead, the slope the time
    page = render_page(signals, RATE, layout=layout, style=styled(dpi=200))
    assert [box.lead for box in page.boxes] == [lead for _, lead, *_ in LAYOUTS[layout].stretches()]
    for index, box in enumerate(page.boxes):
        sign = -1 if box.lead.startswith("-") else 1
        for time in (box.start + 0.2, box.stop - 0.2):
            value = sign * ink_height(page, index, time) - level[LEADS.index(box.lead.removeprefix("-"))]
            assert value / 0.015 == pytest.approx(time, abs=0.25)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("speed", "gain"), [(25.0, 10.0), (50.0, 5.0), (25.0, 20.0)])
def test_the_pulse_is_one_millivolt_and_200_ms(side, speed, gain):
    style = styled(pulse=side, speed=speed, gain=gain, dpi=150)
    page = render_page(np.full((12, 5000), np.nan), RATE, layout="3x4", style=style)
    assert len(page.pulses) == 3
    for x1, y1, x2, y2 in page.pulses:
        darkness = 255.0 - page.image.mean(2)
        walls = darkness[round(y1 + 6) : round(y2 - 6)].mean(0)
        left, right = (slice(max(round(x - 5), 0), round(x + 6)) for x in (x1, x2))
        centres = [(walls[part] * np.arange(walls.size)[part]).sum() / walls[part].sum() for part in (left, right)]
        assert (centres[1] - centres[0]) / page.pixels_per_mm == pytest.approx(0.2 * speed, abs=0.05)
        roof = darkness[round(y1 - 8) : round(y1 + 9), round(x1 + 6) : round(x2 - 6)].mean(1)
        foot = darkness[round(y2 - 8) : round(y2 + 9), round(x1 - 4) : round(x1 - 2)].mean(1)
        height = [
            (part * np.arange(17)).sum() / part.sum() + start
            for part, start in ((roof, round(y1 - 8)), (foot, round(y2 - 8)))
        ]
        assert (height[1] - height[0]) / page.pixels_per_mm == pytest.approx(gain, abs=0.15)
        inside = [box for box in page.boxes if box.box[0] < x2 and box.box[2] > x1]
        assert not inside  # the pulse stands beside the traces


@settings(max_examples=15, deadline=None)
@given(
    st.floats(60, 120), st.sampled_from([25.0, 50.0]), st.sampled_from([5.0, 10.0, 20.0]), st.sampled_from(list(LAYOUTS)),
    st.integers(0, 1000),
)  # fmt: skip
def test_boxes_tile_rows_and_traces_are_where_the_ink_is(dpi, speed, gain, layout, seed):
    rng = np.random.default_rng(seed)
    signals = np.cumsum(rng.normal(0, 0.06, (12, 500)), axis=1)  # may leave the page
    style = styled(dpi=dpi, speed=speed, gain=gain)
    page = render_page(signals, 50.0, layout=layout, style=style)
    np.testing.assert_allclose(page.image.shape[:2], (215.9 * dpi / 25.4, 279.4 * dpi / 25.4), atol=0.501, rtol=0)
    assert page.mask.shape == page.image.shape[:2]
    assert page.pixels_per_mm == pytest.approx(dpi / 25.4)
    rows = [list(group) for _, group in groupby(page.boxes, key=lambda box: box.box[1])]
    assert len(rows) == LAYOUTS[layout].row_count
    for row in rows:
        assert row[0].start == 0 and row[-1].stop == rows[0][-1].stop
        for left, right in pairwise(row):
            assert left.box[2] == pytest.approx(right.box[0]) and left.stop == pytest.approx(right.start)
    for above, below in pairwise(rows):
        assert above[0].box[3] == pytest.approx(below[0].box[1])
    for index, (box, trace) in enumerate(zip(page.boxes, page.traces, strict=True)):
        assert box.box[2] - box.box[0] == pytest.approx((box.stop - box.start) * speed * page.pixels_per_mm)
        assert -0.5 <= box.box[0] < box.box[2] <= page.image.shape[1] - 0.5
        assert trace[0, 0] == pytest.approx(box.box[0], abs=1e-3) and trace[-1, 0] == pytest.approx(
            box.box[2], abs=1e-3
        )
        y, x = np.nonzero(page.mask == index + 1)
        if not len(x):
            assert page.mask.any() or (trace[:, 1] < 0).all() or (trace[:, 1] > page.mask.shape[0]).all()
            continue
        pen = style.trace_width * page.pixels_per_mm
        distance, _ = cKDTree(dense(trace)).query(np.stack([x, y], axis=1))
        assert distance.max() < pen / 2 + 0.75
    ink = binary_dilation(page.mask > 0, np.ones((3, 3)))  # the tip of a thin peak may cover little of its pixel
    for trace in page.traces:
        place = np.rint(trace).astype(int)
        seen = (place[:, 1] >= 0) & (place[:, 1] < page.mask.shape[0]) & (np.arange(len(place)) % 7 == 3)
        assert ink[place[seen, 1], place[seen, 0]].all()


def test_missing_leads_and_stretches_have_no_ink():
    signals = np.zeros((12, 5000))
    signals[LEADS.index("aVL")] = np.nan
    signals[LEADS.index("II"), 3000:3500] = np.nan
    page = render_page(signals, RATE, style=WHITE)
    for index, box in enumerate(page.boxes):
        ink = (page.mask == index + 1).any(0)
        if box.lead == "aVL":
            assert not ink.any() and np.isnan(page.traces[index][:, 1]).all()
        elif box.rhythm:
            blank = box.box[0] + (np.array([6.0, 7.0]) + [0.02, -0.02]) * 25 * page.pixels_per_mm
            assert not ink[round(blank[0]) : round(blank[1])].any()
            assert (
                ink[round(box.box[0]) + 1 : round(blank[0]) - 3].all()
                and ink[round(blank[1]) + 3 : round(box.box[2])].all()
            )
        else:
            assert ink[round(box.box[0]) + 1 : round(box.box[2])].all()


def test_a_short_record_leaves_the_rest_of_the_row_blank():
    page = render_page(np.zeros((12, 2000)), RATE, layout="12x1", style=WHITE)
    end = page.boxes[0].box[0] + 4.0 * 25 * page.pixels_per_mm
    columns = np.flatnonzero(page.mask.any(0))
    assert columns[-1] == pytest.approx(end, abs=1.5)
    assert page.boxes[0].stop == 10.0


def test_at_50_mm_per_s_five_seconds_fit_on_letter_landscape():
    page = render_page(np.zeros((12, 5000)), RATE, style=PageStyle(speed=50.0))
    assert page.boxes[-1].stop == 5.0 and page.boxes[3].start == 3.75


def test_big_waves_are_cut_off_at_the_edge_and_run_over_neighbouring_rows():
    signals = np.zeros((12, 5000))
    signals[LEADS.index("II"), 2000:2050] = 500.0
    page = render_page(signals, RATE, layout="12x1", style=WHITE)
    assert (page.mask[0] == 2).any()  # up to the first row of pixels, over row I
    assert (page.mask[:, : int(page.boxes[0].box[0]) - 3] == 0).all()


def test_names_pulses_and_header_are_listed_where_their_ink_is():
    header = PageHeader(("A", "B"), ("Vent. rate 60 BPM",), ("Normal ECG", "Sinus rhythm"))
    blank = np.full((12, 100), np.nan)
    page = render_page(blank, 10.0, style=styled(footer=True), header=header, names={"aVR": "AVR"})
    kinds = [text.kind for text in page.texts]
    assert kinds.count("lead_name") == 13 and kinds.count("header") == 2 and kinds.count("measurement") == 1
    assert kinds.count("diagnosis") == 2 and kinds.count("footer") == 1
    assert [text.text for text in page.texts][1] == "AVR"
    ink = (page.image < 255).any(2)
    for text in page.texts:
        x1, y1, x2, y2 = text.box
        if text.kind == "lead_name":  # nothing else is near
            top, left = round(y1) - 8, round(x1) - 8
            rows, columns = np.nonzero(ink[top : round(y2) + 8, left : round(x2) + 8])
            assert (columns.min() + left, rows.min() + top) == pytest.approx((x1, y1), abs=3)
            assert (columns.max() + left, rows.max() + top) == pytest.approx((x2, y2), abs=3)
        part = (slice(int(y1), int(y2) + 2), slice(int(x1), int(x2) + 2))
        assert ink[part].any()
        ink[part] = False
    assert not ink.any()


def test_the_name_stands_at_the_start_of_its_stretch():
    for place, side in (("above", -1), ("below", 1)):
        page = render_page(np.zeros((12, 100)), 10.0, style=styled(name_place=place))
        for box, text in zip(page.boxes, page.texts, strict=False):
            assert text.text == box.lead
            assert 0 < (text.box[0] - box.box[0]) / page.pixels_per_mm < 3
            middle = (box.box[1] + box.box[3]) / 2
            assert side * ((text.box[1] + text.box[3]) / 2 - middle) > 0


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"signals": np.zeros((11, 500))}, r"\[12, T\]"),
        ({"signals": np.zeros(500)}, r"\[12, T\]"),
        ({"rate": 0.0}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"layout": "4x3"}, "3x4"),
        ({"style": {"dpi": 30.0}}, "50 dpi"),
        ({"style": {"width": 40.0}}, "wider"),
        ({"style": {"height": 50.0}, "layout": "12x1"}, "higher"),
        ({"style": {"speed": -25.0}}, "speed"),
        ({"style": {"grid": "squares"}}, "dots"),
        ({"style": {"header_columns": ("header", "header", "diagnosis")}}, "header_columns"),
        ({"style": {"font": "missing.ttf"}}, "TrueType"),
    ],
)
def test_what_cannot_be_printed_is_refused_in_one_sentence(changes, part):
    with pytest.raises(InputError, match=part) as error:
        render_page(
            changes.get("signals", np.zeros((12, 500))), changes.get("rate", 50.0),
            layout=changes.get("layout", "3x4"), style=PageStyle(**changes.get("style", {})),
        )  # fmt: skip
    assert str(error.value).count(". ") == 0 and str(error.value).endswith(".")
