"""Pages written as pictures and PDF."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from monai_jdl.data import write_page_image
from monai_jdl.errors import InputError
from monai_jdl.phantoms import render_page

PAGE = render_page(np.tile(np.sin(np.arange(1000) / 10), (12, 1)), 100.0).image


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_pictures_come_back_with_their_resolution(tmp_path, suffix):
    path = tmp_path / "new" / f"page{suffix}"
    write_page_image(path, PAGE, dpi=100)
    with Image.open(path) as picture:
        assert picture.info["dpi"] == pytest.approx((100, 100), abs=0.1)
        error = np.abs(np.asarray(picture.convert("RGB"), dtype=int) - PAGE)
    assert error.max() == 0 if suffix == ".png" else error.mean() < 4
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_pdf_has_the_paper_size_and_the_page(tmp_path):
    pdfium = pytest.importorskip("pypdfium2")
    write_page_image(tmp_path / "page.pdf", PAGE, dpi=100)
    document = pdfium.PdfDocument(tmp_path / "page.pdf")
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((11 * 72, 8.5 * 72), abs=0.5)
    image = np.asarray(document[0].render(scale=100 / 72).to_pil().convert("RGB"), dtype=int)
    assert image.shape == PAGE.shape
    assert np.abs(image - PAGE).mean() < 6
    document.close()


def test_other_suffixes_and_arrays_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(InputError, match=r"page\.gif.*\.png"):
        write_page_image(tmp_path / "page.gif", PAGE, dpi=100)
    with pytest.raises(InputError, match="uint8"):
        write_page_image(tmp_path / "page.png", PAGE.astype(np.float32), dpi=100)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    write_page_image(tmp_path / "page.png", PAGE, dpi=100)
    before = (tmp_path / "page.png").read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_page_image(tmp_path / "page.png", PAGE, dpi=100)
    assert (tmp_path / "page.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1
