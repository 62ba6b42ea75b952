"""Renderer and reader, written apart, agree with each other; QRS detection by NeuroKit is the outside opinion."""

from __future__ import annotations

import neurokit2
import numpy as np
import pytest

from cardiac_transforms.ecg import LEADS
from cardiac_transforms.ecg.reading import PageReading, read_page
from monai_jdl.analysis import reconstruction_snr
from monai_jdl.phantoms import GRID_COLORS, ECGCase, PageStyle, RenderedPage, render_page, simulate_ecg

LAYOUTS = ("3x4+1", "6x2", "12x1")


@pytest.fixture(scope="module")
def case() -> ECGCase:
    return simulate_ecg(5, rhythm="sinus", heart_rate=72, conduction="normal")


@pytest.fixture(scope="module", params=LAYOUTS)
def page_and_reading(request: pytest.FixtureRequest, case: ECGCase) -> tuple[RenderedPage, PageReading]:
    style = PageStyle(dpi=130, colors=GRID_COLORS["red"])
    page = render_page(case.signals, case.rate, layout=request.param, style=style)
    return page, read_page(page.image)


def test_grid_is_what_the_renderer_drew(page_and_reading: tuple[RenderedPage, PageReading]) -> None:
    page, reading = page_and_reading
    assert reading.page is not None
    np.testing.assert_allclose(reading.page.grid.pixels_per_mm, page.pixels_per_mm, rtol=5e-3)
    crossing = reading.page.grid.to_mm(np.array([page.grid_origin]))
    assert np.abs((crossing + 2.5) % 5 - 2.5).max() < 0.15


def test_leads_are_where_they_were_drawn(page_and_reading: tuple[RenderedPage, PageReading]) -> None:
    page, reading = page_and_reading
    assert [box.lead for box in reading.boxes] == [box.lead for box in page.boxes]
    for truth, found in zip(page.boxes, reading.boxes, strict=True):
        a, b = np.array(truth.box), np.array(found.box)
        inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
        assert inner / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner) > 0.8, truth.lead


def test_pulse_measures_ten_millimetres(page_and_reading: tuple[RenderedPage, PageReading]) -> None:
    page, reading = page_and_reading
    x1, y1, x2, y2 = page.pulses[0]
    assert (y2 - y1) / page.pixels_per_mm == pytest.approx(10, abs=0.01)
    assert (x2 - x1) / page.pixels_per_mm == pytest.approx(5, abs=0.01)
    layout = reading.layout
    assert layout is not None and layout.calibrated and (layout.speed, layout.gain) == (25, 10)


def test_signals_come_back(page_and_reading: tuple[RenderedPage, PageReading], case: ECGCase) -> None:
    page, reading = page_and_reading
    printed = np.full(case.signals.shape, np.nan)
    for box in page.boxes:
        time = slice(round(box.start * case.rate), round(box.stop * case.rate))
        printed[LEADS.index(box.lead), time] = case.signals[LEADS.index(box.lead), time]
    snr = reconstruction_snr(printed, reading.signals.signals, case.rate)
    # in 12x1 the rows are close and waves run into each other
    assert np.median(snr) > (8 if len(page.boxes) == 12 and page.boxes[0].stop == 10 else 14)


def test_neurokit_finds_the_same_beats(page_and_reading: tuple[RenderedPage, PageReading], case: ECGCase) -> None:
    reading = page_and_reading[1]
    lead = LEADS.index("II")
    read = reading.signals.signals[lead]
    known = np.flatnonzero(np.isfinite(read))
    time = slice(known[0], known[-1] + 1)
    filled = np.interp(np.arange(time.start, time.stop), known, read[known])
    rate = round(case.rate)
    beats = [
        neurokit2.ecg_peaks(neurokit2.ecg_clean(signal, rate), rate)[1]["ECG_R_Peaks"]
        for signal in (filled, case.signals[lead, time])
    ]
    assert len(beats[0]) == len(beats[1]) >= 2
    assert np.abs(np.subtract(*beats)).max() / rate < 0.02
