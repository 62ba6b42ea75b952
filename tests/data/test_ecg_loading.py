"""Pages and records as the same twelve leads: amplitudes, times, gaps, and batches of both."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from PIL import Image
from pydicom.data import get_testdata_file
from scipy.ndimage import gaussian_filter1d

from cardiac_transforms.ecg import LAYOUTS, LEADS
from cardiac_transforms.ecg.reading import DigitizedECG
from monai_jdl.data import (
    LoadECG,
    LoadECGd,
    ecg_loading,
    load_page,
    read_ecg_page,
    read_record,
    write_ecg_csv,
    write_page_image,
)
from monai_jdl.errors import InputError
from monai_jdl.phantoms import PageStyle, render_page, simulate_ecg
from tests.data.ecg_files import dicom, save, signals, some_wfdb

TIME = np.arange(5000) / 500


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page of the usual four columns with a rhythm strip, and the truth."""
    case = simulate_ecg(5)
    path = tmp_path_factory.mktemp("page") / "page.png"
    write_page_image(path, render_page(case.signals, case.rate, layout="3x4+1", style=PageStyle(dpi=150)).image, 150)
    return path, case, LoadECG()(path)


def test_a_page_is_read_in_millivolts_and_at_its_times(page):
    path, case, loaded = page
    assert isinstance(loaded, MetaTensor) and loaded.shape == (12, 5000) and loaded.dtype == torch.float32
    known = np.isfinite(loaded.numpy())
    for _, lead, start, stop, rhythm in LAYOUTS["3x4+1"].stretches():
        row = LEADS.index(lead)
        if lead == "II" and not rhythm:
            continue
        inside = (TIME >= start) & (TIME < stop)
        assert known[row, inside].mean() > 0.95 and not known[row, ~inside].any()
        at = known[row] & inside
        smooth = gaussian_filter1d(case.signals[row], 2)  # half a pixel of 150 dpi lasts 3 ms
        assert np.corrcoef(loaded.numpy()[row, at], smooth[at])[0, 1] > 0.95
        assert np.ptp(loaded.numpy()[row, at]) == pytest.approx(np.ptp(smooth[at]), abs=0.2)
    meta = loaded.meta
    assert (meta["kind"], meta["layout"], meta["page"], meta["filename_or_obj"]) == ("page", "3x4+1", 0, str(path))
    assert 0.8 < meta["quality"] <= 1 and meta["quality"] == pytest.approx(np.median(meta["lead_quality"]))


def test_a_page_can_be_read_again_for_its_places(page):
    path, _, loaded = page
    image, reading = read_ecg_page(path)
    np.testing.assert_array_equal(image.image, load_page(path).image)
    np.testing.assert_array_equal(reading.signals.signals, loaded.numpy())
    assert {box.lead for box in reading.boxes} == set(LEADS)


def test_a_page_of_few_leads_gives_those(page, tmp_path, monkeypatch):
    leads = np.full((12, 5000), np.nan, np.float32)
    leads[:2] = 0
    quality = np.array([0.6, 0.8, *[0] * 10], np.float32)
    digitized = DigitizedECG(leads, 500, quality, leads[:, 0], leads[:, 0])
    reading = SimpleNamespace(found=True, signals=digitized, page=None, layout=None, doubtful=False)
    monkeypatch.setattr(ecg_loading, "read_page", lambda *_: reading)
    loaded = LoadECG()(shutil.copy(page[0], tmp_path / "page.png"))
    np.testing.assert_array_equal(loaded.numpy(), leads)
    assert loaded.meta["quality"] == pytest.approx(0.7)
    assert loaded.meta["notes"] == "not on the page: III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6"
    leads[:] = np.nan
    with pytest.raises(InputError, match=r"other\.png shows leads, but none of their traces"):
        LoadECG()(shutil.copy(page[0], tmp_path / "other.png"))


@pytest.mark.parametrize(("confidence", "note"), [(0.59, "the leads may be others (confidence 0.59 of 1)"), (0.6, "")])
def test_doubtful_leads_are_said_to_be(page, tmp_path, monkeypatch, confidence, note):
    reading = read_ecg_page(page[0])[1]
    layout = replace(reading.layout, confidence=confidence)
    monkeypatch.setattr(ecg_loading, "read_page", lambda *_: replace(reading, layout=layout))
    notes = LoadECG()(shutil.copy(page[0], tmp_path / "page.png")).meta["notes"]
    assert note in notes and bool(notes) == bool(note)


def test_pictures_that_are_no_ecg_are_refused_with_the_reason(tmp_path):
    path = save(tmp_path / "white.png", np.full((240, 320, 3), 255, np.uint8))
    with pytest.raises(InputError, match=r"white\.png shows no ECG that can be read: No millimetre grid"):
        LoadECGd("image")({"image": path})
    with pytest.raises(InputError, match=r"white\.png has"):
        LoadECG(page=1)(path)
    with pytest.raises(InputError, match=r"nothing\.png does not exist"):
        LoadECG()(tmp_path / "nothing.png")


@pytest.mark.parametrize("rate", [100, 250, 257, 360, 500, 1000])
def test_a_record_of_any_rate_comes_at_500_hz(tmp_path, rate):
    def wave(time, lead):
        return 0.3 + np.sin(2 * np.pi * (3 + lead) * time)

    time = np.arange(10 * rate) / rate
    path = some_wfdb(tmp_path, list(LEADS), np.stack([wave(time, k) for k in range(12)]), rate=rate)
    loaded = LoadECG()(path)
    assert loaded.shape == (12, 5000) and loaded.dtype == torch.float32
    truth = np.stack([wave(TIME, k) for k in range(12)])
    np.testing.assert_allclose(loaded.numpy()[:, 250:-250], truth[:, 250:-250], atol=0.02)
    ends = np.r_[0:250, 4750 : 5000 - round(500 / rate)]
    np.testing.assert_allclose(loaded.numpy()[:, ends], truth[:, ends], atol=0.25)
    assert (loaded.meta["kind"], loaded.meta["layout"]) == ("record", "") and np.isnan(loaded.meta["quality"])


def test_what_500_hz_cannot_hold_is_filtered_out(tmp_path):
    time = np.arange(10_000) / 1000
    values = np.tile(np.sin(2 * np.pi * 400 * time), (12, 1))  # would come back as 100 Hz
    loaded = LoadECG()(some_wfdb(tmp_path, list(LEADS), values, rate=1000))
    assert np.abs(loaded.numpy()[:, 250:-250]).max() < 0.01


def test_length_gaps_and_missing_leads(tmp_path):
    truth = signals(seconds=12, rate=500)
    truth[7, 1000:1500] = np.nan
    truth[8:] = np.nan
    write_ecg_csv(tmp_path / "long.csv", truth, 500)
    loaded = LoadECG()(tmp_path / "long.csv").numpy()
    np.testing.assert_allclose(loaded, truth[:, :5000], atol=1e-4)
    write_ecg_csv(tmp_path / "short.csv", truth[:, :3000], 500)
    assert np.isfinite(LoadECG()(tmp_path / "short.csv").numpy()).sum(axis=1).tolist() == [3000] * 7 + [2500] + [0] * 4
    halved = truth[:, :3000:2]
    write_ecg_csv(tmp_path / "slow.csv", halved, 250)
    slow = LoadECG()(tmp_path / "slow.csv")
    known = np.isfinite(slow.numpy()).sum(axis=1)
    assert known[:7].tolist() == [3000] * 7 and abs(known[7] - 2500) <= 2 and not known[8:].any()
    np.testing.assert_allclose(slow.numpy()[:7, 100:2900], truth[:7, 100:2900], atol=0.01)
    assert "6 s instead of 10 s" in slow.meta["notes"]


def test_a_constant_stays_constant(tmp_path):
    """A resampling filter's ripple must not turn the offset of a lead into a wave."""
    write_ecg_csv(tmp_path / "flat.csv", np.full((12, 1000), 1.5), 250)
    np.testing.assert_allclose(LoadECG()(tmp_path / "flat.csv").numpy()[:, :2000], 1.5, atol=1e-6)


def test_dicom_is_told_apart_by_what_it_holds(tmp_path, page):
    ecg = get_testdata_file("waveform_ecg.dcm")
    shutil.copy(ecg, tmp_path / "no_suffix")
    for path in (ecg, tmp_path / "no_suffix"):
        loaded = LoadECG()(path)
        assert loaded.meta["kind"] == "record"
        record = read_record(path)
        if record.rate == 500:
            np.testing.assert_array_equal(loaded.numpy()[:, : record.signals.shape[1]], record.signals)
    captured = dicom(tmp_path / "capture.dcm", load_page(page[0]).image, kind="RGB")
    read = LoadECG()(captured)
    assert read.meta["kind"] == "page"
    known = np.isfinite(read.numpy()) & np.isfinite(page[2].numpy())
    np.testing.assert_allclose(read.numpy()[known], page[2].numpy()[known], atol=0.05)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_of_pages_and_records(tmp_path, page, workers):
    record = some_wfdb(tmp_path, list(LEADS), signals())
    items = [
        {"image": str(path), "case": name, "label": np.array([1, np.nan], np.float32), "row": {"kind": "x"}}
        for path, name in ((page[0], "a"), (record, "b"), (record.with_suffix(""), "c"))
    ]
    (batch,) = DataLoader(Dataset(items, LoadECGd("image")), batch_size=3, num_workers=workers)
    assert batch["image"].shape == (3, 12, 5000)
    cases = decollate_batch(batch)
    for case, item in zip(cases, items, strict=True):
        alone = page[2] if item["image"] == str(page[0]) else LoadECG()(item["image"])
        np.testing.assert_array_equal(case["image"].numpy(), alone.numpy())
        for key, value in alone.meta.items():
            np.testing.assert_array_equal(case["image"].meta[key], value)
        assert case["case"] == item["case"] and case["row"] == item["row"]
        np.testing.assert_array_equal(case["label"], item["label"])


def test_the_dictionary_form_takes_several_keys_and_lets_others_be(tmp_path):
    record = some_wfdb(tmp_path, list(LEADS), signals())
    item = {"image": record, "prior": str(record), "other": "x"}
    loaded = LoadECGd(["image", "prior"])(item)
    np.testing.assert_array_equal(loaded["image"].numpy(), loaded["prior"].numpy())
    assert loaded["other"] == "x" and item["image"] == record
    with pytest.raises(KeyError):
        LoadECGd(["image", "absent"])(item)
    assert "absent" not in LoadECGd(["image", "absent"], allow_missing_keys=True)(item)


def test_a_page_is_read_once_until_its_file_changes(page, tmp_path, monkeypatch):
    path = shutil.copy(page[0], tmp_path / "page.png")
    calls = []
    read = ecg_loading.read_page
    monkeypatch.setattr(ecg_loading, "read_page", lambda *a: calls.append(1) or read(*a))
    first, again = read_ecg_page(path), read_ecg_page(str(path))
    assert len(calls) == 1 and first[1] is again[1]
    os.utime(path, ns=(1, 1))
    assert read_ecg_page(path)[1] is not first[1] and len(calls) == 2


def test_a_page_without_grid_or_resolution_says_what_told_its_size(tmp_path):
    case = simulate_ecg(5)
    image = render_page(case.signals, case.rate, layout="3x4+1", style=PageStyle(dpi=120, grid="none")).image
    Image.fromarray(image).save(tmp_path / "plain.png")
    loaded = LoadECG()(tmp_path / "plain.png")
    assert "no grid was seen; the size comes from the " in loaded.meta["notes"]
    assert torch.isfinite(loaded).any(dim=1).all()
