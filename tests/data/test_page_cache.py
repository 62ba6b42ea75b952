"""Pages are read once; what changed is read anew; ECGs that are refused are left out of training, and said."""

from __future__ import annotations

import csv
import os

import numpy as np
import pytest
from monai.transforms import Compose
from PIL import Image

from monai_jdl.data import ECGCacheDataset, LoadECG, LoadECGd, PageCache, ecg_loading, write_page_image
from monai_jdl.errors import InputError
from monai_jdl.phantoms import PageStyle, render_page, simulate_ecg


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A printed page."""
    case = simulate_ecg(6)
    path = tmp_path_factory.mktemp("page") / "page.png"
    write_page_image(path, render_page(case.signals, case.rate, layout="6x2", style=PageStyle(dpi=120)).image, 120)
    return path


@pytest.fixture
def blank(tmp_path):
    """A picture without an ECG."""
    path = tmp_path / "blank.png"
    Image.new("RGB", (600, 400), "white").save(path)
    return path


@pytest.fixture
def reads(monkeypatch):
    """The pages that are really read."""
    seen = []
    read = ecg_loading.read_ecg_page

    def counted(path, number=0):
        seen.append(path)
        return read(path, number)

    monkeypatch.setattr(ecg_loading, "read_ecg_page", counted)
    return seen


def test_a_page_is_read_once_and_comes_back_the_same(page, tmp_path, reads):
    first, again = (LoadECG(cache_dir=tmp_path / "kept")(page) for _ in range(2))
    assert len(reads) == 1
    np.testing.assert_array_equal(first.numpy(), again.numpy())
    assert first.dtype == again.dtype and again.meta.keys() == first.meta.keys()
    known = {name for name in first.meta if name not in ("affine", "lead_quality")}
    assert {name: again.meta[name] for name in known} == {name: first.meta[name] for name in known}
    np.testing.assert_array_equal(again.meta["lead_quality"], first.meta["lead_quality"])
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.stat().st_size < 150_000


def test_a_page_that_changed_is_read_anew(page, tmp_path, reads):
    copy = tmp_path / "copy.png"
    copy.write_bytes(page.read_bytes())
    load = LoadECG(cache_dir=tmp_path / "kept")
    load(copy)
    os.utime(copy, ns=(1, 1))
    load(copy)
    assert len(reads) == 2


def test_a_refusal_is_kept_too(blank, tmp_path, reads):
    load = LoadECG(cache_dir=tmp_path / "kept")
    sentences = []
    for _ in range(2):
        with pytest.raises(InputError) as refused:
            load(blank)
        sentences.append(str(refused.value))
    assert len(reads) == 1 and sentences[0] == sentences[1] and "blank.png" in sentences[0]


def test_a_damaged_file_of_the_folder_is_made_again(page, tmp_path, reads):
    load = LoadECG(cache_dir=tmp_path / "kept")
    first = load(page)
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    np.testing.assert_array_equal(load(page).numpy(), first.numpy())
    load(page)
    assert len(reads) == 2


def test_a_folder_that_cannot_be_written_is_said(page, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written .*--cache_dir"):
        PageCache(tmp_path / "file")(page, 0, lambda path: {"kind": "page"})


def test_what_cannot_be_read_is_left_out_of_training_and_listed(page, blank, tmp_path):
    errors = tmp_path / "errors.csv"
    items = [{"image": str(path), "case": path.stem, "label": label} for path, label in ((blank, 0), (page, 1))]
    data = ECGCacheDataset(items, Compose([LoadECGd("image")]), errors, num_workers=2)
    assert len(data) == 1 and data[0]["label"] == 1 and [item["case"] for item in data.data] == ["page"]
    with errors.open() as file:
        (row,) = csv.DictReader(file)
    assert row["case"] == "blank" and "blank.png" in row["error"]
    ECGCacheDataset(items[1:], Compose([LoadECGd("image")]), errors)
    assert not errors.exists()


def test_nothing_that_can_be_read_is_an_error(blank, tmp_path):
    items = [{"image": str(blank), "case": "blank"}]
    with pytest.raises(InputError, match=r"None of 1 ECGs can be read; the first: .*blank\.png"):
        ECGCacheDataset(items, Compose([LoadECGd("image")]), tmp_path / "errors.csv")


def test_an_error_of_the_code_is_not_taken_for_a_refusal(page, tmp_path):
    def broken(item):
        raise ZeroDivisionError

    class Broken(LoadECGd):
        __call__ = staticmethod(broken)

    with pytest.raises(Exception, match="Broken"):
        ECGCacheDataset([{"image": str(page), "case": "page"}], Compose([Broken("image")]), tmp_path / "errors.csv")
