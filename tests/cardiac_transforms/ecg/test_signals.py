"""Transforms of twelve leads: windows, errors of reading, and the page, in MONAI's conventions."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.transforms import Compose, GaussianSmooth

from cardiac_transforms.ecg import canonical_page, signals
from cardiac_transforms.ecg.signals import (
    DrawCanonicalPage,
    ECGReadingErrors,
    ECGWindow,
    RandECGReadingErrors,
    RandECGWindow,
    RandECGWindowd,
)
from tests.cardiac_transforms.conventions import check_names, check_record, check_small, check_untracked, epoch
from tests.cardiac_transforms.ecg.reading.drawn_page import made_up_signals

FORMS = ("ECGWindow", "RandECGWindow", "ECGReadingErrors", "RandECGReadingErrors", "DrawCanonicalPage")
WHOLE = torch.from_numpy(made_up_signals().astype(np.float32))
forms = pytest.mark.parametrize("name", FORMS)


def as_printed() -> torch.Tensor:
    """What a page of four columns shows: 2.5 s of every lead, one column after the other."""
    printed = torch.full_like(WHOLE, torch.nan)
    for lead in range(12):
        begin = lead // 3 * 1250
        printed[lead, begin : begin + 1250] = WHOLE[lead, begin : begin + 1250]
    return printed


def test_columns_of_a_page_come_to_lie_beside_each_other():
    out = ECGWindow(2.5)(as_printed())
    assert out.shape == (12, 1250)
    for lead in range(12):
        assert torch.equal(out[lead].as_tensor(), WHOLE[lead, lead // 3 * 1250 :][:1250])


@settings(deadline=None, max_examples=25)
@given(place=st.floats(0, 1), seconds=st.floats(0.5, 10))
def test_whole_records_stay_simultaneous(place, seconds):
    out = ECGWindow(seconds, place)(WHOLE).as_tensor()
    length = round(seconds * 500)
    begin = round(place * (5000 - length))
    assert torch.equal(out, WHOLE[:, begin : begin + length])


def test_short_leads_are_followed_by_nothing():
    out = ECGWindow(4.0, place=1.0)(as_printed()).as_tensor()
    assert torch.isfinite(out[:, :1250]).all() and torch.isnan(out[:, 1250:]).all()
    nothing = ECGWindow(1.0)(torch.full((12, 100), torch.nan))
    assert nothing.shape == (12, 500) and torch.isnan(nothing).all()


def test_random_windows_lie_anywhere_and_without_luck_at_the_start():
    window = RandECGWindow(prob=1.0, seconds=2.0).set_random_state(0)
    begins = set()
    for _ in range(30):
        out = window(WHOLE).as_tensor()
        (begin,) = (b for b in range(4001) if torch.equal(out, WHOLE[:, b : b + 1000]))
        begins.add(begin)
    assert len(begins) > 25 and min(begins) < 800 and max(begins) > 3200
    assert torch.equal(RandECGWindow(prob=0.0, seconds=2.0)(WHOLE).as_tensor(), WHOLE[:, :1000])


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_leads_of_a_column_are_simultaneous_and_columns_are_not(columns):
    window = RandECGWindow(seconds=2.0, columns=[columns]).set_random_state(0)
    times = torch.arange(5000.0).expand(12, 5000)  # mV that tell the sample
    apart = 0
    for _ in range(20):
        begins = window(times).as_tensor()[:, 0].reshape(columns, -1)
        assert (begins == begins[:, :1]).all()
        apart += len(set(begins[:, 0].tolist())) == columns
    assert apart >= 19


def test_the_number_of_columns_is_drawn():
    window = RandECGWindow(seconds=2.0, columns=(1, 4)).set_random_state(0)
    times = torch.arange(5000.0).expand(12, 5000)
    found = [len(set(window(times).as_tensor()[:, 0].tolist())) for _ in range(40)]
    assert set(found) == {1, 4} and 10 < found.count(1) < 30


def test_no_severity_changes_nothing_and_errors_grow_with_it():
    torch.testing.assert_close(ECGReadingErrors(0.0)(WHOLE).as_tensor(), WHOLE)

    def error(severity: float) -> float:
        out = torch.stack([ECGReadingErrors(severity, seed)(WHOLE).as_tensor() for seed in range(12)])
        return float((out - WHOLE).square().nanmean().sqrt())

    errors = [error(severity) for severity in (0.1, 0.4, 1.0)]
    assert 0 < errors[0] < errors[1] < errors[2] < 1.5 * float(WHOLE.std())


def test_gain_and_speed_are_wrong_in_all_leads_alike():
    tone = torch.sin(2 * torch.pi * 2.0 * torch.arange(5000) / 500).repeat(12, 1)
    rates, heights = [], []
    for seed in range(10):
        out = ECGReadingErrors(0.6, seed)(tone).as_tensor().double()
        found = out[torch.isfinite(out).all(dim=1)]
        found = found - found.mean(dim=1, keepdim=True)
        spectrum = torch.fft.rfft(found, n=2**17, dim=1).abs()
        rates.append(spectrum.argmax(dim=1) * 500 / 2**17)
        heights.append(spectrum.amax(dim=1))
    assert max(float(rate.std() / rate.mean()) for rate in rates) < 2e-3
    assert float(torch.stack([rate.mean() for rate in rates]).std()) > 0.005  # but not the same on every page
    assert float(torch.stack([height.median() for height in heights]).std()) > 0


def test_what_is_not_printed_stays_unknown():
    out = ECGReadingErrors(0.5, seed=4)(as_printed()).as_tensor()
    missing = torch.isnan(as_printed())
    # the ruler's error moves the edges by a few per cent of their time
    assert torch.isnan(out)[missing].float().mean() > 0.95


def test_leads_may_be_lost():
    lost = [torch.isnan(ECGReadingErrors(1.0, seed)(WHOLE)).all(dim=1).sum() for seed in range(60)]
    assert 8 < sum(lost) < 40  # 3 % of 720


def test_the_page_is_that_of_the_array_function():
    page = DrawCanonicalPage(2.0)(WHOLE)
    assert page.shape == (3, 300, 250) and page.dtype == torch.float32
    np.testing.assert_array_equal(page.numpy(), canonical_page(WHOLE.numpy(), 500.0, 2.0))
    grey = DrawCanonicalPage(2.0, channels=1)(WHOLE)
    np.testing.assert_array_equal(grey.numpy(), page[:1].numpy())


def test_the_page_is_a_plane_to_what_follows():
    """MONAI's MetaTensor remembers how many axes are spatial, and its filters ask it."""
    page = DrawCanonicalPage(2.0)(ECGWindow()(MetaTensor(WHOLE)))
    blurred = GaussianSmooth(1.5)(page)
    centre = slice(100, 200)
    for axis in (1, 2):
        assert blurred[0].diff(dim=axis - 1)[centre].abs().max() < 0.8 * page[0].diff(dim=axis - 1)[centre].abs().max()


def test_a_training_pipeline_from_yaml():
    parser = ConfigParser()
    parser.read_config(
        {
            "transforms": [
                {"_target_": "cardiac_transforms.ecg.signals.RandECGWindowd", "keys": "image", "seconds": 2.5},
                {"_target_": "cardiac_transforms.ecg.signals.RandECGReadingErrorsd", "keys": "image", "prob": 1.0},
                {"_target_": "cardiac_transforms.ecg.signals.DrawCanonicalPaged", "keys": "image", "pixels_per_mm": 2},
            ]
        }
    )
    pipeline = Compose(parser.get_parsed_content("transforms")).set_random_state(5)
    first = pipeline({"image": WHOLE})["image"]
    again = pipeline.set_random_state(5)({"image": WHOLE})["image"]
    other = pipeline({"image": WHOLE})["image"]
    assert first.shape == (3, 300, 250) and isinstance(first, MetaTensor)
    assert torch.equal(first.as_tensor(), again.as_tensor()) and not torch.equal(first.as_tensor(), other.as_tensor())


@forms
def test_conventions(name):
    check_names(signals, name)
    array = getattr(signals, name)
    # only what random transforms do of themselves differs between two calls
    for transform in (array(), array()):
        out = transform(WHOLE.numpy())
        assert isinstance(out, MetaTensor)
        assert transform(WHOLE.double()).dtype == torch.float64
    before = WHOLE.clone()
    array()(WHOLE)
    assert torch.equal(before, WHOLE)
    check_untracked([array()], WHOLE)
    check_record([array()], WHOLE)
    check_small(getattr(signals, f"{name}d")("image"), WHOLE, 12_000)
    with pytest.raises(ValueError, match=r"twelve leads \(12, T\)"):
        array()(torch.zeros(8, 100))
    with pytest.raises(ValueError, match=r"twelve leads \(12, T\)"):
        array()(torch.zeros(12, 100, 1))
    with pytest.raises(TypeError, match="array or tensor"):
        array()("ecg.hea")


def test_workers_draw_differently_and_repeatably():
    first, again = (epoch(RandECGWindowd("image"), WHOLE) for _ in range(2))
    for i, image in enumerate(first):
        assert all(not torch.equal(image, later) for later in first[i + 1 :])
        assert torch.equal(image, again[i])


def test_replay_repeats_the_draw():
    transform = RandECGReadingErrors(1.0).set_random_state(3)
    first = transform(WHOLE)
    torch.testing.assert_close(transform(WHOLE, randomize=False).as_tensor(), first.as_tensor(), equal_nan=True)
    assert pickle.loads(pickle.dumps(transform)).drawn.seed == transform.drawn.seed
    assert first.applied_operations[-1]["extra_info"]["severity"] == transform.drawn.grade


@pytest.mark.parametrize(
    "make",
    [
        lambda: ECGWindow(0),
        lambda: ECGWindow(1, 2),
        lambda: ECGReadingErrors(1.5),
        lambda: RandECGReadingErrors(0.5, (0.5, 2)),
        lambda: RandECGWindow(2.0),
        lambda: RandECGWindow(columns=()),
        lambda: RandECGWindow(columns=[3]),
        lambda: ECGWindow(place=[0.5] * 11 + [1.5]),
        lambda: DrawCanonicalPage(0),
        lambda: DrawCanonicalPage(channels=2),
    ],
)
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ValueError, match=r"must be|above 0"):
        make()
